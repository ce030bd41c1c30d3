#include "tests/connectors/mqtt_broker.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

extern char** environ;

namespace penstock::testing {
namespace {

sockaddr_in local(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = local(0);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

bool answers(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = local(port);
  const bool connected = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

}  // namespace

MqttBroker::MqttBroker(const std::string& configuration) : port_(free_port()) {
  std::ofstream file(folder_ / "mosquitto.conf");
  if (::geteuid() == 0) file << "user root\n";  // else it becomes a user who may not write here
  file << "listener " << port_ << " 127.0.0.1\n"
       << "persistence true\npersistence_location " << folder_.string() << "/\n"
       << "max_queued_messages 0\nmax_queued_bytes 0\nqueue_qos0_messages true\n"
       << "log_dest file " << (folder_ / "log").string() << "\nlog_type all\n"
       << configuration;
  file.close();
  start();
}

MqttBroker::~MqttBroker() { kill(); }

void MqttBroker::start() {
  const std::string file = (folder_ / "mosquitto.conf").string();
  const char* const arguments[] = {"mosquitto", "-c", file.c_str(), nullptr};
  if (::posix_spawn(&pid_, "/usr/sbin/mosquitto", nullptr, nullptr, const_cast<char**>(arguments),
                    environ) != 0) {
    throw std::runtime_error("mosquitto is not installed: deploy/packages.txt names it");
  }
  if (!eventually([this] { return answers(port_); })) throw std::runtime_error("mosquitto does not start");
}

void MqttBroker::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void MqttBroker::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string MqttBroker::to_broker() const { return " -h 127.0.0.1 -p " + std::to_string(port_) + " "; }

void MqttBroker::run(const std::string& command) const {
  ASSERT_EQ(std::system(("timeout 30 " + command).c_str()), 0) << command;
}

void MqttBroker::publish(const std::string& topic, const std::vector<std::string>& lines,
                         const std::string& more) {
  const auto path = folder_ / "lines";
  std::ofstream file(path);
  for (const auto& line : lines) file << line << '\n';
  file.close();
  run("mosquitto_pub" + to_broker() + "-t '" + topic + "' " + more + " -l < " + path.string());
}

void MqttBroker::publish_file(const std::string& topic, const std::filesystem::path& file) {
  run("mosquitto_pub" + to_broker() + "-t '" + topic + "' -q 1 -f " + file.string());
}

void MqttBroker::keep(const std::string& session, const std::string& filter, int qos) {
  run("mosquitto_sub" + to_broker() + "-c -i " + session + " -t '" + filter + "' -q " +
      std::to_string(qos) + " -E");
}

std::vector<std::string> MqttBroker::kept(const std::string& session, const std::string& filter, int count,
                                          const std::string& format, int seconds) {
  const auto path = folder_ / "kept";
  const std::string command = "timeout 30 mosquitto_sub" + to_broker() + "-c -i " + session + " -t '" +
                              filter + "' -q 2 -C " + std::to_string(count) + " -W " +
                              std::to_string(seconds) + " -F '" + format + "' > " + path.string() +
                              " 2> /dev/null";
  if (std::system(command.c_str()) < 0) throw std::runtime_error("no shell");
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string MqttBroker::retained(const std::string& topic) {
  const auto path = folder_ / "retained";
  run("mosquitto_sub" + to_broker() + "-t '" + topic + "' -C 1 -W 20 -F '%r %p' > " + path.string());
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

bool MqttBroker::logs(const std::string& text) const {
  return eventually([&] {
    std::stringstream log;
    log << std::ifstream(folder_ / "log").rdbuf();
    return log.str().find(text) != std::string::npos;
  });
}

}  // namespace penstock::testing
