#include "worker/value_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster.grpc.pb.h"
#include "proto/channel.hpp"
#include "proto/limits.hpp"
#include "proto/token.hpp"
#include "proto/value_reader.hpp"

namespace penstock::worker {
namespace {

constexpr std::size_t kPiece = proto_limits::kValuePieceBytes;
constexpr const char* kToken = "secret";

std::string bytes_of(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 1000);
  return bytes;
}

// One read, piece by piece, over a connection of its own.
class Reader {
 public:
  Reader(const std::string& address, std::uint64_t task, const std::string& token = kToken,
         const std::string& name = "")
      : stub_(v1::Values::NewStub(proto_channel::connect(address))) {
    context_.AddMetadata(proto_token::kMetadataKey, token);
    v1::ReadValue request;
    request.set_task(task);
    request.set_attempt(1);
    request.set_name(name);
    stream_ = stub_->Read(&context_, request);
  }

  // False: there is no more.
  bool read() {
    v1::ValuePiece piece;
    if (!stream_->Read(&piece)) return false;
    sizes.push_back(piece.bytes().size());
    bytes += piece.bytes();
    return true;
  }
  grpc::Status read_all() {
    while (read()) {
    }
    return stream_->Finish();
  }
  void cancel() { context_.TryCancel(); }

  std::string bytes;
  std::vector<std::size_t> sizes;

 private:
  std::unique_ptr<v1::Values::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ValuePiece>> stream_;
};

class Server : public ::testing::Test {
 protected:
  void SetUp() override { start(kToken); }
  void start(const std::string& token) {
    auto server = ValueServer::start(store_, "127.0.0.1", token);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void hold(std::uint64_t task, const std::string& bytes) {
    std::string moved = bytes;
    ValueStore::Value value = store_->admit(moved);
    ASSERT_NE(value, nullptr);
    store_->hold(ClientId{1}, {TaskId{task}, 1}, std::move(value));
  }
  void free(std::uint64_t task) { store_->free(std::vector{ValueName{TaskId{task}, 1}}); }
  // As an outcome would say it, of a value on the heap.
  v1::KeptValue place(std::uint64_t task, std::size_t size) const {
    v1::KeptValue value;
    value.set_worker("w1");
    value.set_task(task);
    value.set_attempt(1);
    value.set_size(size);
    value.set_address(server_->address());
    return value;
  }

  std::shared_ptr<ValueStore> store_ = std::make_shared<ValueStore>(ValueStoreLimits{1 << 30});
  std::unique_ptr<ValueServer> server_;
};

TEST_F(Server, HasNotTheValueThatAnotherSchedulersTaskOfThisNumberMade) {
  hold(1, "another");
  EXPECT_EQ(Reader(server_->address(), 1, kToken, "older").read_all().error_code(), grpc::StatusCode::NOT_FOUND);
  const std::string name = store_->find({TaskId{1}, 1})->name();
  EXPECT_TRUE(Reader(server_->address(), 1, kToken, name).read_all().ok());
}

TEST_F(Server, SendsAValueInPieces) {
  const std::string bytes = bytes_of(2 * kPiece + 5);
  hold(1, bytes);
  Reader reader(server_->address(), 1);
  EXPECT_TRUE(reader.read_all().ok());
  EXPECT_EQ(reader.bytes, bytes);
  EXPECT_EQ(reader.sizes, (std::vector<std::size_t>{kPiece, kPiece, 5}));
}

TEST_F(Server, SendsAValueFromTheHeap) {
  store_->hold(ClientId{1}, {TaskId{1}, 1}, std::make_shared<const StoredValue>("on the heap"));
  Reader reader(server_->address(), 1);
  EXPECT_TRUE(reader.read_all().ok());
  EXPECT_EQ(reader.bytes, "on the heap");
}

TEST_F(Server, SendsAnEmptyValue) {
  hold(1, "");
  Reader reader(server_->address(), 1);
  EXPECT_TRUE(reader.read_all().ok());
  EXPECT_EQ(reader.bytes, "");
}

TEST_F(Server, SaysWhenAValueIsNotThere) {
  hold(1, "value");
  free(1);
  EXPECT_EQ(Reader(server_->address(), 1).read_all().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Server, RefusesAnotherToken) {
  hold(1, "value");
  Reader reader(server_->address(), 1, "guess");
  EXPECT_EQ(reader.read_all().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(reader.bytes, "");
}

TEST_F(Server, AsksForNoTokenWhenTheClusterHasNone) {
  start("");
  hold(1, "value");
  EXPECT_TRUE(Reader(server_->address(), 1, "whatever").read_all().ok());
}

TEST_F(Server, IsReadByAValueReader) {
  const std::string bytes = bytes_of(3 * kPiece);
  hold(1, bytes);
  proto_values::ValueReader reader(kToken);
  const auto read = reader.read(place(1, bytes.size()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->view, bytes);
  EXPECT_TRUE(absl::IsNotFound(reader.read(place(2, 5)).status()));
  EXPECT_TRUE(absl::IsDataLoss(reader.read(place(1, 5)).status()));
}

TEST_F(Server, SendsAValueToItsEndAlthoughItIsFreed) {
  const std::string bytes = bytes_of(40 * kPiece);
  hold(1, bytes);
  Reader reader(server_->address(), 1);
  ASSERT_TRUE(reader.read());
  free(1);
  EXPECT_EQ(store_->bytes(), bytes.size());
  EXPECT_TRUE(reader.read_all().ok());
  EXPECT_EQ(reader.bytes, bytes);
  server_.reset();  // what has been sent is let go by then
  EXPECT_EQ(store_->bytes(), 0u);
}

TEST_F(Server, HoldsNoMoreThanAFewPiecesForAReaderThatDoesNotReadOn) {
  constexpr std::size_t kPieces = 64;
  auto value = std::make_shared<const StoredValue>(bytes_of(kPieces * kPiece));
  const std::weak_ptr<const StoredValue> watched = value;
  store_->hold(ClientId{1}, {TaskId{1}, 1}, std::move(value));
  hold(2, bytes_of(kPieces * kPiece));
  Reader slow(server_->address(), 1);
  ASSERT_TRUE(slow.read());
  // Time enough to send all of the other one, too.
  ASSERT_TRUE(Reader(server_->address(), 2).read_all().ok());
  // Each piece that gRPC has keeps the value; so do the store and the read itself.
  EXPECT_LE(watched.use_count(), 2 + 8);
  slow.cancel();
}

TEST_F(Server, EndsWhatIsReadWhenItIsDestroyed) {
  hold(1, bytes_of(40 * kPiece));
  Reader reader(server_->address(), 1);
  ASSERT_TRUE(reader.read());
  server_.reset();
  free(1);
  EXPECT_EQ(store_->bytes(), 0u);
  EXPECT_FALSE(reader.read_all().ok());
}

TEST_F(Server, LetsGoOfAValueWhoseReaderIsGone) {
  hold(1, bytes_of(40 * kPiece));
  {
    Reader reader(server_->address(), 1);
    ASSERT_TRUE(reader.read());
    reader.cancel();
    EXPECT_FALSE(reader.read_all().ok());
  }
  free(1);
  server_.reset();
  EXPECT_EQ(store_->bytes(), 0u);
}

TEST(ValueServer, OpensTheStore) {
  const auto store = std::make_shared<ValueStore>(ValueStoreLimits{100});
  const auto server = ValueServer::start(store, "127.0.0.1", "");
  ASSERT_TRUE(server.ok()) << server.status();
  std::string bytes = "bytes";
  EXPECT_NE(store->admit(bytes), nullptr);
}

TEST(ValueServer, SaysWhenItCannotListen) {
  const auto store = std::make_shared<ValueStore>(ValueStoreLimits{100});
  EXPECT_TRUE(absl::IsUnavailable(ValueServer::start(store, "192.0.2.1", "").status()));
  std::string bytes = "bytes";
  EXPECT_EQ(store->admit(bytes), nullptr);
}

}  // namespace
}  // namespace penstock::worker
