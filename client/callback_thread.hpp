// Marks threads that a client's connection runs on: they must not wait for that connection to end.
#pragma once

#include <thread>

namespace penstock::client {

class CallbackThread {
 public:
  CallbackThread() : before_(inside) { inside = true; }
  ~CallbackThread() { inside = before_; }
  CallbackThread(const CallbackThread&) = delete;
  CallbackThread& operator=(const CallbackThread&) = delete;

  static bool here() { return inside; }

  // Deletes the object, on a thread of its own when this one must not wait.
  template <class T>
  static void dispose(T* object) {
    if (inside) {
      std::thread([object] { delete object; }).detach();
    } else {
      delete object;
    }
  }

 private:
  static thread_local bool inside;
  bool before_;
};

inline thread_local bool CallbackThread::inside = false;

}  // namespace penstock::client
