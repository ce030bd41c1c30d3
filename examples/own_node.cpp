// Operators of one's own, applied with pipe(): composed of existing nodes, or a node in one class.
//
// A machine reports its temperature. Printed are, for each stretch in which it was cold, fine or
// hot, the state and how many reports long it was.
#include <iostream>
#include <optional>
#include <penstock/own_node.hpp>
#include <penstock/runtime.hpp>
#include <string>
#include <utility>

// Composed of existing nodes: a function from a stream to a stream.
auto states(double cold, double hot) {
  return [=](const penstock::Stream<double>& degrees) {
    return degrees
        .filter([](double x) { return x > -273.15; })  // a broken sensor says less
        .map([=](double x) -> std::string { return x < cold  ? "cold"
                                                   : x > hot ? "hot"
                                                             : "fine"; });
  };
}

template <class T>
struct Run {
  T value;
  int length;
};

// A node: equal neighbours become one element that counts them.
//
//   in   -a--a--a--b--b--a-----|
//   out  ----------3a----2b--1a|
//
// receive() gets each element, push_down() sends one on. The delivery is the emit() that waits:
// handed on, it makes emit() wait for what comes after this node too; a node that keeps an element
// back and wants emit() to wait for it keeps delivery.hold().
template <class T>
class RunLengths : public penstock::Operator<RunLengths<T>, T, Run<T>> {
  using Base = penstock::Operator<RunLengths<T>, T, Run<T>>;

 public:
  explicit RunLengths(penstock::Place place) : Base(std::move(place), "run_lengths") {}

  // U is T or const T&: an element that nobody else needs may be moved.
  template <class U>
  void receive(U&& value, penstock::Delivery& delivery) {
    if (run_ && run_->value == value) {
      ++run_->length;
      return;
    }
    flush(delivery);
    run_ = Run<T>{std::forward<U>(value), 1};
  }

  // Also called at the end of the stream: what was kept goes out.
  void flush(penstock::Delivery& delivery) {
    if (auto run = std::exchange(run_, std::nullopt)) this->push_down(std::move(*run), delivery);
  }

 private:
  std::optional<Run<T>> run_;
};

// What pipe() takes. attach() makes the node behind the stream, handle() the stream behind the
// node.
constexpr auto run_lengths = []<class T>(const penstock::Stream<T>& stream) {
  return stream.handle(stream.template attach<RunLengths<T>>());
};

int main() {
  penstock::Stream<double> degrees;
  degrees.pipe(states(10, 60)).pipe(run_lengths).sink([](const Run<std::string>& run) {
    std::cout << run.value << ' ' << run.length << '\n';
  });

  for (double x : {4.0, 8.0, -999.0, 20.0, 30.0, 40.0, 70.0, 50.0}) degrees.emit(x);
  degrees.close();  // ends the stream, so that the last run comes out
}
