// expect: a pointer means nothing in another process
#include <penstock/codec.hpp>

struct Node {
  int value;
  Node* next;
};

int main() {
  std::string out;
  penstock::encode(Node{}, out);
}
