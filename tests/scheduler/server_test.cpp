// A scheduler and peers that do not behave.
#include "scheduler/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "cluster.grpc.pb.h"
#include "proto/channel.hpp"

namespace penstock::scheduler {
namespace {

using ::testing::HasSubstr;

class BadPeers : public ::testing::Test {
 protected:
  void start(ServerOptions options) {
    options.port = 0;
    options.dashboard = false;
    auto server = Server::start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server);
    stub_ = v1::Cluster::NewStub(proto_channel::connect("127.0.0.1:" + std::to_string(server_->port())));
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::Cluster::Stub> stub_;
};

TEST_F(BadPeers, AreDroppedWhenTheyDoNotReadWhatIsForThem) {
  testing::internal::CaptureStderr();
  start({.max_waiting_bytes = 1 << 20});
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  auto session = stub_->ClientSession(&context);
  v1::ClientBatch batch;
  batch.mutable_hello()->set_protocol(proto_limits::kProtocolVersion);
  batch.mutable_hello()->set_name("deaf");
  ASSERT_TRUE(session->Write(batch));
  // Each of these tasks names a plan that does not exist, so each is answered, and nobody reads that.
  std::uint64_t id = 0;
  do {
    batch.Clear();
    for (int i = 0; i < 1000; ++i) {
      auto& submit = *batch.add_submits();
      submit.set_id(++id);
      submit.set_plan(7);
    }
  } while (session->Write(batch) && id < 10'000'000);
  EXPECT_LT(id, 10'000'000u) << "it was never dropped";
  v1::ClientInbox inbox;
  while (session->Read(&inbox)) {
  }
  EXPECT_FALSE(session->Finish().ok());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("MiB wait for it, and it does not read"));
}

TEST_F(BadPeers, AreToldThatTheirProtocolIsAnother) {
  start({});
  const std::string ours = std::to_string(proto_limits::kProtocolVersion);
  grpc::ClientContext contexts[3];
  for (auto& context : contexts) context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto client = stub_->ClientSession(&contexts[0]);
  v1::ClientBatch of_client;
  of_client.mutable_hello()->set_protocol(77);
  client->Write(of_client);
  const auto worker = stub_->WorkerSession(&contexts[1]);
  v1::WorkerBatch of_worker;
  of_worker.mutable_hello()->set_protocol(77);
  worker->Write(of_worker);
  v1::HostReport report;
  report.set_protocol(77);
  v1::HostOrders orders;
  const auto host = stub_->HostPrograms(&contexts[2], report, &orders);
  for (const auto& [who, status] : {std::pair("client", client->Finish()), std::pair("worker", worker->Finish()),
                                    std::pair("this host", host)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_THAT(status.error_message(), HasSubstr(std::string(who) + " speaks protocol 77, this scheduler " + ours));
  }
}

TEST_F(BadPeers, AreToldThatTheirTokenIsWrong) {
  start({.token = "open sesame"});
  for (const char* token : {"", "wrong"}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (*token != 0) context.AddMetadata("penstock-token", token);
    auto session = stub_->ClientSession(&context);
    v1::ClientInbox inbox;
    EXPECT_FALSE(session->Read(&inbox));
    const auto status = session->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_THAT(status.error_message(), HasSubstr("PENSTOCK_TOKEN"));
  }
}

// Connects a worker and lets its connection end without a good-bye; returns what was logged.
std::string log_of_a_lost_worker(bool expected) {
  testing::internal::CaptureStderr();
  auto server = Server::start({.port = 0, .dashboard = false});
  EXPECT_TRUE(server.ok()) << server.status();
  if (expected) (*server)->expect_end();
  const auto stub =
      v1::Cluster::NewStub(proto_channel::connect("127.0.0.1:" + std::to_string((*server)->port())));
  grpc::ClientContext contexts[2];
  for (auto& context : contexts) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }
  auto witness = stub->ClientSession(&contexts[0]);
  v1::ClientBatch joins;
  joins.mutable_hello()->set_protocol(proto_limits::kProtocolVersion);
  joins.mutable_hello()->set_name("witness");
  joins.mutable_hello()->set_weight(1);
  EXPECT_TRUE(witness->Write(joins));
  v1::ClientInbox inbox;
  const auto read_until_there_are = [&](unsigned workers) {
    do {
      inbox.Clear();
      if (!witness->Read(&inbox)) return false;
    } while (!inbox.has_cluster() || inbox.cluster().workers() != workers);
    return true;
  };
  auto worker = stub->WorkerSession(&contexts[1]);
  v1::WorkerBatch batch;
  batch.mutable_hello()->set_protocol(proto_limits::kProtocolVersion);
  batch.mutable_hello()->set_name("hasty");
  batch.mutable_hello()->set_threads(1);
  EXPECT_TRUE(worker->Write(batch));
  EXPECT_TRUE(read_until_there_are(1));
  contexts[1].TryCancel();
  EXPECT_TRUE(read_until_there_are(0));
  contexts[0].TryCancel();
  worker->Finish();
  witness->Finish();
  server->reset();
  return testing::internal::GetCapturedStderr();
}

TEST(SchedulerServer, WarnsOfAWorkerThatIsLost) {
  EXPECT_THAT(log_of_a_lost_worker(false), HasSubstr("warning scheduler: worker 'hasty' is lost"));
}

TEST(SchedulerServer, DoesNotWarnOfWorkersThatGoAtItsEnd) {
  EXPECT_EQ(log_of_a_lost_worker(true), "");
}

}  // namespace
}  // namespace penstock::scheduler
