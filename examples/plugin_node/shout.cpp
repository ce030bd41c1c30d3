// The plug-in: a node of its own that passes lines on in capitals and leaves out those that came just before.
//
//   in   -a--a--b-----|
//   out  -A-----B-----|
//
// It links penstock::plugin, headers without code, and so uses the Penstock of the program that loads it.
#include <cctype>
#include <penstock/own_node.hpp>
#include <string>
#include <utility>

#include "operator.hpp"

namespace {

class Shout : public penstock::Operator<Shout, std::string, std::string> {
 public:
  explicit Shout(penstock::Place place) : Operator(std::move(place), "shout") {}

  template <class U>
  void receive(U&& line, penstock::Delivery& delivery) {
    if (line == last_) return;
    last_ = line;
    std::string loud = penstock::keep<std::string>(std::forward<U>(line)) + '!';
    for (char& c : loud) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    push_down(std::move(loud), delivery);
  }

 private:
  std::string last_;
};

}  // namespace

extern "C" [[gnu::visibility("default")]] penstock::Stream<std::string> line_operator(
    const penstock::Stream<std::string>& lines) {
  return lines.handle(lines.attach<Shout>());
}
