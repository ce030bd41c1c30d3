// As header_examples.cpp: the examples in the comments of the connectors' headers.
#include <penstock/connectors/from_http_server.hpp>
#include <penstock/connectors/from_kafka.hpp>
#include <penstock/connectors/from_tcp.hpp>
#include <penstock/connectors/from_websocket.hpp>
#include <penstock/connectors/mqtt.hpp>
#include <penstock/connectors/to_kafka.hpp>
#include <penstock/connectors/to_tcp.hpp>
#include <penstock/connectors/to_websocket.hpp>
#include <penstock/runtime.hpp>
#include <string>

namespace examples {

int parse(const std::string& text);
void store(int x);

void from_http_server() {
  auto orders = penstock::from_http_server(8080, {.path = "/orders"});
  orders.map([](const penstock::HttpRequest& request) { return parse(request.body); }).sink(store);
  orders.start();                      // curl -d '{"id": 7}' http://127.0.0.1:8080/orders
}

int bill(const std::string& order);

void send(int bill);

void from_kafka() {
  auto orders = penstock::from_kafka({"orders"}, {.brokers = "localhost:9092", .group = "billing"});
  orders.map([](const penstock::KafkaMessage& m) { return bill(m.value); }).sink(send);
  orders.start();
}

void from_tcp() {
  auto readings = penstock::from_tcp(9000);            // echo 21.5 | nc 127.0.0.1 9000
  readings.map(parse).sink(store);
  readings.start();
}

void show(int tick);

void from_websocket() {
  auto ticks = penstock::from_websocket(8765);
  ticks.map(parse).sink(show);
  ticks.start();          // in a browser: socket = new WebSocket('ws://127.0.0.1:8765'); socket.send('7')
}

namespace mqtt {
double parse(const penstock::MqttMessage& message);
std::string print(double x);

void example() {
  auto readings = penstock::from_mqtt({"sensors/+/temperature"}, {.host = "broker", .client_id = "meter"});
  readings.map(parse).map(print).pipe(penstock::to_mqtt({.host = "broker", .topic = "printed"}));
  readings.start();
}
}  // namespace mqtt

std::string to_json(double x);

void to_kafka(penstock::Stream<double> bills) {
  bills.map(to_json).pipe(penstock::to_kafka("bills", {.brokers = "localhost:9092"}));
}

void to_tcp(penstock::Stream<std::string> lines) {
  lines.pipe(penstock::to_tcp("collector.example", 9000));     // Stream<std::string>
}

void to_websocket(penstock::Stream<double> prices) {
  prices.map(to_json).pipe(penstock::to_websocket("ws://localhost:8765/prices"));   // Stream<std::string>
}

}  // namespace examples
