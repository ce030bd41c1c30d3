// Elements as text.
#pragma once

#include <charconv>
#include <concepts>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace penstock::detail {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

template <class T>
inline constexpr bool kHasText =
    std::is_convertible_v<const T&, std::string_view> || std::is_arithmetic_v<T> || Streamable<T>;

// Calls use(std::string_view) with the text of a value: strings as they are, numbers so that they read back
// the same, "true" and "false", and operator<< for the others.
template <class T, class Use>
void with_text(const T& value, Use use) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    use(std::string_view(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    use(std::string_view(value ? "true" : "false"));
  } else if constexpr (std::is_same_v<T, char>) {
    use(std::string_view(&value, 1));
  } else if constexpr (requires(char* to) { std::to_chars(to, to, value); }) {
    char digits[64];  // enough for every long double in its shortest form
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    use(std::string_view(digits, end));
  } else {
    std::ostringstream out;
    out << value;
    use(std::string_view(out.view()));
  }
}

}  // namespace penstock::detail
