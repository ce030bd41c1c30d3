// What window(n) and window(time) can compute. An aggregate is an associative operation:
//
//   struct Longest {                      // the longest word, the newest of equal ones
//     std::string of(const std::string& word) const { return word; }
//     std::string combine(const std::string& older, const std::string& newer) const {
//       return newer.size() < older.size() ? older : newer;
//     }
//     std::string result(const std::string& longest) const { return longest; }
//   };
//   words.window(10).aggregate(Longest{});
//
// of() makes a partial result of one element, combine() one of two neighbouring parts of the window
// (their order counts; the operation need not be commutative), result() what is emitted. A partial
// result is copied now and then. combine(part, of(x)) must be what adding x to the part is.
//
// NaN: a window with a NaN in it has sum, mean, minimum, maximum, variance and quantiles NaN, and
// is as it was when the NaN has left. count() counts it. To pass over NaNs, filter() before the
// window.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "penstock/error.hpp"

namespace penstock {

// For sample statistics: divide by the count less `ddof`. One, as pandas has it, because a window
// is a sample of its stream; zero for the population. A window of no more than `ddof` elements
// gives NaN.
struct VarianceOptions {
  unsigned ddof = 1;
};

namespace detail {

// What real results are: double, or long double where elements are.
template <class V>
using Real = std::conditional_t<std::is_same_v<V, long double>, long double, double>;

template <class R>
inline constexpr R kNan = std::numeric_limits<R>::quiet_NaN();

template <class V>
constexpr bool is_nan(const V& value) {
  if constexpr (std::is_floating_point_v<V>) return value != value;
  return false;
}

template <class V>
constexpr auto number(const V& value) {
  static_assert(std::is_arithmetic_v<V>,
                "mean(), variance(), standard_deviation() and quantile() need numbers: say which "
                "number of the element is meant, as in window(n).mean(&Order::price)");
  if constexpr (std::is_arithmetic_v<V>) {
    return static_cast<Real<V>>(value);
  } else {
    return Real<V>();
  }
}

// A sum and what its roundings lost, so that the result is as if it had been added up in twice the
// precision. (Ogita, Rump, Oishi: Accurate sum and dot product, SIAM J. Sci. Comput. 26(6), 2005;
// the exact error of one addition is Knuth's.) -ffast-math would undo it.
template <class R>
struct CompensatedSum {
  R sum;
  R lost;

  R value() const { return std::isfinite(lost) ? sum + lost : sum; }  // infinities lose NaN

  friend CompensatedSum operator+(const CompensatedSum& a, const CompensatedSum& b) {
    const R sum = a.sum + b.sum;
    const R part = sum - a.sum;
    return {sum, a.lost + b.lost + ((a.sum - (sum - part)) + (b.sum - part))};
  }
};

// Modulo 2^64: a sum that fits is right, however large parts of it are.
template <class R>
struct IntegerSum {
  std::uint64_t bits;

  R value() const { return static_cast<R>(bits); }

  friend IntegerSum operator+(IntegerSum a, IntegerSum b) { return {a.bits + b.bits}; }
};

}  // namespace detail

namespace aggregates {

struct Count {
  template <class V>
  std::size_t of(const V&) const {
    return 1;
  }
  std::size_t combine(std::size_t older, std::size_t newer) const { return older + newer; }
  std::size_t result(std::size_t count) const { return count; }
};

// Integers: of 64 bits, modulo 2^64. Floating point: double, compensated. Anything else with a + b:
// its own type.
struct Sum {
  template <class V>
  auto of(const V& value) const {
    if constexpr (std::is_floating_point_v<V>) {
      return detail::CompensatedSum<detail::Real<V>>{value, 0};
    } else if constexpr (std::is_integral_v<V>) {
      using Wide = std::conditional_t<std::is_signed_v<V>, std::int64_t, std::uint64_t>;
      return detail::IntegerSum<Wide>{static_cast<std::uint64_t>(value)};
    } else {
      static_assert(requires { { value + value } -> std::convertible_to<V>; },
                    "sum() needs elements that can be added: say what of the element is meant, as "
                    "in window(n).sum(&Order::amount)");
      return value;
    }
  }
  template <class P>
  P combine(const P& older, const P& newer) const {
    return older + newer;
  }
  template <class R>
  R result(const detail::CompensatedSum<R>& sum) const {
    return sum.value();
  }
  template <class R>
  R result(const detail::IntegerSum<R>& sum) const {
    return sum.value();
  }
  template <class P>
  P result(const P& sum) const {
    return sum;
  }
};

// The compensated sum over the count.
struct Mean {
  template <class R>
  struct Partial {
    detail::CompensatedSum<R> sum;
    R count;
  };

  template <class V>
  auto of(const V& value) const {
    return Partial<detail::Real<V>>{{detail::number(value), 0}, 1};
  }
  template <class R>
  Partial<R> combine(const Partial<R>& older, const Partial<R>& newer) const {
    return {older.sum + newer.sum, older.count + newer.count};
  }
  template <class R>
  R result(const Partial<R>& all) const {
    return all.sum.value() / all.count;
  }
};

struct Min {
  template <class V>
  auto of(const V& value) const {
    static_assert(requires { { value < value } -> std::convertible_to<bool>; },
                  "min() and max() need elements with operator<: say what of the element is "
                  "meant, as in window(n).min(&Order::price)");
    return value;
  }
  template <class V>
  V combine(const V& older, const V& newer) const {
    if (detail::is_nan(older)) return older;
    return !detail::is_nan(newer) && !(newer < older) ? older : newer;
  }
  template <class V>
  V result(const V& smallest) const {
    return smallest;
  }
};

struct Max : Min {
  template <class V>
  V combine(const V& older, const V& newer) const {
    if (detail::is_nan(older)) return older;
    return !detail::is_nan(newer) && !(older < newer) ? older : newer;
  }
};

// Mean and sum of squared differences from it, never the difference of two large sums. Combined as
// in Chan, Golub, LeVeque (Updating formulae and a pairwise algorithm for computing sample
// variances, Stanford STAN-CS-79-773, 1979; The American Statistician 37(3), 1983); for a part of
// one element that is the step of Welford (Technometrics 4(3), 1962).
struct Variance {
  template <class R>
  struct Partial {
    R count;
    R mean;
    R squares;
  };
  unsigned ddof = VarianceOptions{}.ddof;

  template <class V>
  auto of(const V& value) const {
    return Partial<detail::Real<V>>{1, detail::number(value), 0};
  }
  template <class R>
  Partial<R> combine(const Partial<R>& older, const Partial<R>& newer) const {
    const R count = older.count + newer.count;
    const R difference = newer.mean - older.mean;
    const R step = difference * (newer.count / count);
    return {count, older.mean + step,
            older.squares + newer.squares + difference * step * older.count};
  }
  template <class R>
  R result(const Partial<R>& all) const {
    if (all.count <= static_cast<R>(ddof)) return detail::kNan<R>;
    // An element that is no number says so even where it stands alone.
    return (all.squares + 0 * all.mean) / (all.count - static_cast<R>(ddof));
  }
};

struct StandardDeviation : Variance {
  template <class R>
  R result(const Partial<R>& all) const {
    return std::sqrt(Variance::result(all));
  }
};

// The value below which a share q of the window lies, between two elements by linear interpolation:
// of n in order, x[0] to x[n-1], the one at (n - 1) q. (Type 7 of Hyndman, Fan: Sample quantiles in
// statistical packages, The American Statistician 50(4), 1996; numpy and R have it by default.) Not
// an associative operation: the window is kept in order, O(log n) for each element.
struct Quantile {
  explicit Quantile(double share) : q(share) {
    if (!(share >= 0 && share <= 1)) throw Error("quantile(q): q must be between 0 and 1");
  }
  double q;

  template <class V>
  auto of(const V& value) const {
    return detail::number(value);
  }
};

}  // namespace aggregates

// An associative aggregate of elements V.
template <class A, class V>
concept Aggregate = requires(const A& aggregate, const V& element) {
  aggregate.result(aggregate.combine(aggregate.of(element), aggregate.of(element)));
  aggregate.result(aggregate.of(element));
};

// One that needs the elements in order.
template <class A, class V>
concept OrderStatistic = std::same_as<A, aggregates::Quantile> &&
                         requires(const A& aggregate, const V& element) { aggregate.of(element); };
}  // namespace penstock
