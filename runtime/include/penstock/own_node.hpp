// What nodes and sinks of one's own are made of. Include it beside penstock/runtime.hpp.
//
//   template <class T>
//   class EveryOther : public penstock::Operator<EveryOther<T>, T, T> {       // takes T, emits T
//    public:
//     explicit EveryOther(penstock::Place place)
//         : penstock::Operator<EveryOther, T, T>(std::move(place), "every_other") {}
//
//     template <class U>
//     void receive(U&& value, penstock::Delivery& delivery) {
//       if (++count_ % 2 == 0) this->push_down(std::forward<U>(value), delivery);
//     }
//
//    private:
//     int count_ = 0;
//   };
//
//   constexpr auto every_other = []<class T>(const penstock::Stream<T>& s) {
//     return s.handle(s.template attach<EveryOther<T>>());
//   };
//   numbers.pipe(every_other).sink(print);
//
//   in   -1--2--3--4--|
//   out  ----2-----4--|      every_other
//
// Threads. All of a node's functions run one at a time: on the loop of its graph, or on the thread that emits
// when there is no loop. So its members need no lock.
//
// Back-pressure. The Delivery is the wait of one emit(). Handed on with push_down(), it makes emit() wait for
// what comes later too. A node that keeps an element and wants emit() to wait for it keeps delivery.hold();
// one that decouples does not, and counts the element as on its way with a Flight, so that drain() waits.
//
// Metadata. delivery.token() is the element's token: a node that keeps an element keeps it too, and emits
// under it again, as WithToken(delivery, token) or with deliver(node, token, ...).
//
// Errors. What receive() and flush() throw obeys the node's ErrorPolicy and harms no other element. The same
// holds for what the user's function throws that is called with call_user().
//
// The end. flush(delivery) is called when all upstreams have ended, before downstream ends.
#pragma once

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/join.hpp"
#include "penstock/detail/sending_sink.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {

// ---- nodes ----

// Where a new node belongs: the first argument of its constructor, for its base only.
using detail::Place;

// Operator<Derived, In, Out>: the base of a node from In to Out. Derived has a constructor
// (Place, arguments of attach()...), which gives the base a kind for pictures and errors, and
//   template <class U> void receive(U&& value, Delivery& delivery);   // U is const In& or In
//   void flush(Delivery& delivery);                                   // optional
// The base gives it
//   this->push_down(value, delivery)   emits: an rvalue may be moved by the last downstream
//   this->end_down(delivery)           ends downstream; done for you after flush()
//   this->need_loop(loop_ref)          for a node with time, in an override of start(); then
//   this->loop()                       is that loop: now(), call_at(time, callback), post(callback)
//   this->while_alive(callback)        what call_at() and post() are given: it is not called when the node
//                                      is gone by then
//   this->graph()                      for Flight
// virtual void end_now(Delivery&) is what calls flush() and end_down(): override it where the end must wait.
using detail::Operator;

// The wait of one emit(), with the token of its element: token(), hold(), fail(error).
using detail::Delivery;

// WithToken(delivery, token): while it lives, `delivery` carries this token: of a window, say, with
// Token::join(tokens of its elements).
using detail::WithToken;

// call_user(node, delivery, function, use): calls function(), which belongs to the user, and use(result),
// which does not: it pushes the result down, usually.
using detail::call_user;

// keep<T>(std::forward<U>(value)): the element as one's own, moved where that is possible.
using detail::keep;

// Flight(node.graph()): something is on its way, and drain() waits, for as long as it lives.
using detail::Flight;

// deliver(node, token, push, then): emits on behalf of nobody, from a timer or a queue: calls
// push(delivery); errors go to the graph's error handler and the next drain(). True: it was delivered at once.
// Else `then` runs later, when it was.
using detail::deliver;

// ---- several inputs ----

// Join<Derived, Out, In...>: the base of a node with one input for each of In, numbered from 0. Derived has
//   template <std::size_t kIndex, class U> void receive(U&& value, Delivery& delivery);
//   template <std::size_t kIndex> void input_ended(Delivery& delivery);   // calls end_down() when it is over
using detail::Join;

// join_streams<Node>(std::tie(a, b), arguments...): makes Node(place, arguments...) behind these streams,
// which are const, and returns its stream. Throws LoopError when two of them are on different loops.
using detail::join_streams;

// What Join is made of: one input of a node; where elements enter; where they leave.
using detail::Inlet;
using detail::Outlet;
using detail::Port;

// ---- sinks ----

// The element type of a node that emits nothing: Operator<MySink, T, Nothing>, made with
// stream.attach_sink<MySink>(arguments...).
using detail::Nothing;

// SendingSink<Derived, T>: the base of a sink to something that tells later, on any thread, what became of an
// element: a broker, a socket, a disk. At most `window` elements are on their way; emit() returns when its
// element is, and waits for a place. Token and drain() wait until it has arrived; the end waits for all. What
// did not arrive obeys the policy, retry included. Derived gives the base (place, kind, window) and has
//   void send(const T& value, typename MySink::Sent sent);    // `value` stays until `sent` was called
// and calls sent(nullptr) or sent(exception_ptr) once. One that is dropped uncalled counts as not arrived; when
// send() threw, what it threw is the error.
using detail::SendingSink;

}  // namespace penstock
