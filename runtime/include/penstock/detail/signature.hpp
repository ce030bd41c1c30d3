// The structural signature of a type: what its encoding consists of, so that two programs can find
// out whether they mean the same bytes.
//
//   i4 u8 f8        numbers, by kind and size          s    std::string
//   b               bool                               [x]  sequence          3[x]   array of three
//   ei4             enum with that underlying type     <x>  set               <k:v>  map
//   {x;y;}          aggregate                          ?x   optional          *x     unique_ptr
//   (x,y,)          tuple or pair                      |x|y| variant          v      nothing
//   d(i8,1/1000)    duration                           t(x) time_point        z(f8)  complex
//   m:name          protobuf message                   c:x  what penstock::Codec says
//   @n              the n-th of the aggregates around this one, counted from outside (recursive
//   types)
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace penstock::detail {

class Signature {
 public:
  template <class T>
  Signature& add();  // defined in codec.hpp

  Signature& text(std::string_view part) {
    text_ += part;
    return *this;
  }
  Signature& number(unsigned long long value) { return text(std::to_string(value)); }

  // True when the type is around already; a reference to it has been written then. Otherwise write
  // the fields and call close().
  bool open(const std::type_info& type) {
    const auto found = std::find(open_.begin(), open_.end(), &type);
    if (found != open_.end()) {
      text("@").number(static_cast<unsigned long long>(found - open_.begin()));
      return true;
    }
    open_.push_back(&type);
    return false;
  }
  void close() { open_.pop_back(); }

  const std::string& str() const { return text_; }

 private:
  std::string text_;
  std::vector<const std::type_info*> open_;
};

}  // namespace penstock::detail
