// Boost.Asio beside standalone Asio. Both define the same thirteen namespaces outside of their own;
// Boost's get other names here. Include this before anything of Boost.Asio or Boost.Beast.
#pragma once

#include <utility>  // boost/asio/awaitable.hpp forgets it

#define asio_execution_bulk_execute_fn boost_asio_execution_bulk_execute_fn
#define asio_execution_connect_fn boost_asio_execution_connect_fn
#define asio_execution_execute_fn boost_asio_execution_execute_fn
#define asio_execution_schedule_fn boost_asio_execution_schedule_fn
#define asio_execution_set_done_fn boost_asio_execution_set_done_fn
#define asio_execution_set_error_fn boost_asio_execution_set_error_fn
#define asio_execution_set_value_fn boost_asio_execution_set_value_fn
#define asio_execution_start_fn boost_asio_execution_start_fn
#define asio_execution_submit_fn boost_asio_execution_submit_fn
#define asio_prefer_fn boost_asio_prefer_fn
#define asio_query_fn boost_asio_query_fn
#define asio_require_fn boost_asio_require_fn
#define asio_require_concept_fn boost_asio_require_concept_fn

#include <boost/asio/execution.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/require_concept.hpp>

#undef asio_execution_bulk_execute_fn
#undef asio_execution_connect_fn
#undef asio_execution_execute_fn
#undef asio_execution_schedule_fn
#undef asio_execution_set_done_fn
#undef asio_execution_set_error_fn
#undef asio_execution_set_value_fn
#undef asio_execution_start_fn
#undef asio_execution_submit_fn
#undef asio_prefer_fn
#undef asio_query_fn
#undef asio_require_fn
#undef asio_require_concept_fn
