// The local library whole: streams, nodes, sources and loops. No cluster, no network.
#pragma once

#include <asio/detached.hpp>  // for async_emit(x, asio::detached)

#include "penstock/aggregates.hpp"
#include "penstock/error.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"
#include "penstock/queue.hpp"
#include "penstock/source.hpp"
#include "penstock/sources/filenames.hpp"
#include "penstock/sources/from_coroutine.hpp"
#include "penstock/sources/from_iterable.hpp"
#include "penstock/sources/from_periodic.hpp"
#include "penstock/sources/from_process.hpp"
#include "penstock/sources/from_queue.hpp"
#include "penstock/sources/from_textfile.hpp"
#include "penstock/stream.hpp"
#include "penstock/virtual_loop.hpp"
