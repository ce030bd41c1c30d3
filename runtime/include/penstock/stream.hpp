// Stream<T>: a handle to a node that emits elements of type T.
//
//   penstock::Stream<int> source;
//   source.map([](int x) { return x + 1; }).sink([](int x) { std::cout << x << '\n'; });
//   source.emit(1);                                   // prints 2 before it returns
//
// Elements are pushed, depth first, to every downstream in the order in which it was connected. emit()
// returns when the element has left the last sink or has been taken by a node that decouples (buffer,
// delay, scatter, ...); a slow node makes it wait: that is the back-pressure.
//
// Threads. A graph without time, awaitable functions or {.loop = ...} needs no loop: emit() runs on the
// caller's thread, one caller at a time, and allocates nothing. With a loop, all of its nodes run on
// that loop and emit() may be called from any other thread. Two different loops in one graph throw
// LoopError when they meet.
//
// Ownership. Handles are cheap to copy. A graph lives as long as a handle to any of its nodes or a
// started source in it. A function that keeps a handle to its own graph keeps it alive for ever. destroy()
// takes a single node away earlier; what makes no sense for a node after that throws DestroyedError.
//
// The shape of a graph may change while elements pass: connect(), disconnect() and destroy() may be called
// from any thread, and from inside any function of the graph. Without a loop, destroy() belongs to the
// thread that emits.
//
// Errors. What a function throws obeys its node's ErrorPolicy (failure.hpp).
//
// This header brings every node, so that none can be missing. Sources are in sources/<name>.hpp, the way to
// the cluster is in distributed_stream.hpp.
#pragma once

#include "penstock/detail/stream_class.hpp"
#include "penstock/nodes/accumulate.hpp"
#include "penstock/nodes/buffer.hpp"
#include "penstock/nodes/collect.hpp"
#include "penstock/nodes/combine_latest.hpp"
#include "penstock/nodes/concat.hpp"
#include "penstock/nodes/debounce.hpp"
#include "penstock/nodes/delay.hpp"
#include "penstock/nodes/filter.hpp"
#include "penstock/nodes/flatten.hpp"
#include "penstock/nodes/frequencies.hpp"
#include "penstock/nodes/keyed_accumulate.hpp"
#include "penstock/nodes/latest.hpp"
#include "penstock/nodes/map.hpp"
#include "penstock/nodes/map_async.hpp"
#include "penstock/nodes/partition.hpp"
#include "penstock/nodes/partition_unique.hpp"
#include "penstock/nodes/pluck.hpp"
#include "penstock/nodes/rate_limit.hpp"
#include "penstock/nodes/remove.hpp"
#include "penstock/nodes/scan.hpp"
#include "penstock/nodes/sink.hpp"
#include "penstock/nodes/sink_to_textfile.hpp"
#include "penstock/nodes/sink_to_vector.hpp"
#include "penstock/nodes/slice.hpp"
#include "penstock/nodes/sliding_window.hpp"
#include "penstock/nodes/starmap.hpp"
#include "penstock/nodes/throttle.hpp"
#include "penstock/nodes/timed_window.hpp"
#include "penstock/nodes/timed_window_unique.hpp"
#include "penstock/nodes/union_with.hpp"
#include "penstock/nodes/unique.hpp"
#include "penstock/nodes/window.hpp"
#include "penstock/nodes/zip.hpp"
#include "penstock/nodes/zip_latest.hpp"
