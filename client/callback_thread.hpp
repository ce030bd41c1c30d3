// Marks threads that a client's connection runs on: they must not wait for that connection to end.
#pragma once

namespace penstock::client {

class CallbackThread {
 public:
  CallbackThread() : before_(inside) { inside = true; }
  ~CallbackThread() { inside = before_; }
  CallbackThread(const CallbackThread&) = delete;
  CallbackThread& operator=(const CallbackThread&) = delete;

  static bool here() { return inside; }

 private:
  static thread_local bool inside;
  bool before_;
};

inline thread_local bool CallbackThread::inside = false;

}  // namespace penstock::client
