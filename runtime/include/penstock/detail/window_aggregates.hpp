// The aggregates that every kind of window offers.
#pragma once

#include <functional>
#include <utility>

#include "penstock/aggregates.hpp"

namespace penstock::detail {

// Derived has aggregate(a, projection). A projection is a function of the element, or a pointer to
// a member; without one the element itself is meant.
template <class Derived>
class WindowAggregates {
 public:
  // Stream<std::size_t>.
  auto count() const { return make(aggregates::Count(), std::identity()); }
  // Of 64 bits, or double, or what is added; see aggregates::Sum.
  template <class P = std::identity>
  auto sum(P projection = {}) const {
    return make(aggregates::Sum(), std::move(projection));
  }
  // Stream<double>, as are the others below.
  template <class P = std::identity>
  auto mean(P projection = {}) const {
    return make(aggregates::Mean(), std::move(projection));
  }
  // Of the type that is compared.
  template <class P = std::identity>
  auto min(P projection = {}) const {
    return make(aggregates::Min(), std::move(projection));
  }
  template <class P = std::identity>
  auto max(P projection = {}) const {
    return make(aggregates::Max(), std::move(projection));
  }
  template <class P = std::identity>
  auto variance(P projection = {}, VarianceOptions options = {}) const {
    return make(aggregates::Variance{options.ddof}, std::move(projection));
  }
  auto variance(VarianceOptions options) const { return variance(std::identity(), options); }
  template <class P = std::identity>
  auto standard_deviation(P projection = {}, VarianceOptions options = {}) const {
    return make(aggregates::StandardDeviation{{options.ddof}}, std::move(projection));
  }
  auto standard_deviation(VarianceOptions options) const {
    return standard_deviation(std::identity(), options);
  }
  // q from 0 to 1: 0.5 is the median. Throws Error for another.
  template <class P = std::identity>
  auto quantile(double q, P projection = {}) const {
    return make(aggregates::Quantile(q), std::move(projection));
  }

 private:
  template <class A, class P>
  auto make(A aggregate, P projection) const {
    const auto& self = static_cast<const Derived&>(*this);
    return self.aggregate(std::move(aggregate), std::move(projection));
  }
};

}  // namespace penstock::detail
