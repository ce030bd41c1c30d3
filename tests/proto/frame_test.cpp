#include "proto/frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace penstock::proto_frame {
namespace {

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string all;
  for (const auto& slice : slices) {
    all.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return all;
}

// As it may come from the network: cut anywhere.
grpc::ByteBuffer pieces_of(const std::string& bytes, std::size_t piece) {
  std::vector<grpc::Slice> slices;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    slices.emplace_back(bytes.substr(at, piece));
  }
  if (slices.empty()) slices.emplace_back();
  return {slices.data(), slices.size()};
}

// A batch with everything in it; its payloads are of these sizes.
Frame<v1::ClientBatch> batch_of(const std::vector<std::size_t>& sizes) {
  Frame<v1::ClientBatch> frame;
  frame.batch.mutable_hello()->set_name("someone");
  frame.batch.add_plans()->set_definition("a plan");
  frame.batch.add_cancels(7);
  frame.batch.add_forget_plans(8);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    auto& submit = *frame.batch.add_submits();
    submit.set_id(i + 1);
    submit.set_plan(300);
    frame.payloads.emplace_back(std::string(sizes[i], static_cast<char>('a' + i % 26)));
  }
  return frame;
}

// The same with the payloads inside, as protobuf itself would have it.
v1::ClientBatch whole(Frame<v1::ClientBatch> frame) {
  for (int i = 0; i < frame.batch.submits_size(); ++i) {
    frame.batch.mutable_submits(i)->set_input(std::string(frame.payloads[i]));
  }
  return frame.batch;
}

const std::vector<std::size_t> kSizes{0, 1, 15, 16, 127, 128, 1000, 1024, 1025, 70'000, 3, 2'000'000};

TEST(Frame, IsOnTheWireTheMessageOfTheProtocol) {
  auto frame = batch_of(kSizes);
  v1::ClientBatch parsed;
  ASSERT_TRUE(parsed.ParseFromString(bytes_of(encode(frame))));
  EXPECT_EQ(parsed.SerializeAsString(), whole(frame).SerializeAsString());
}

TEST(Frame, ReadsWhatProtobufWrote) {
  const auto frame = batch_of(kSizes);
  const std::string bytes = whole(frame).SerializeAsString();
  for (const std::size_t piece : {std::size_t{1} << 30, std::size_t{65'536}, std::size_t{999}}) {
    Frame<v1::ClientBatch> read;
    ASSERT_TRUE(decode(pieces_of(bytes, piece), read)) << piece;
    EXPECT_EQ(read.payloads, frame.payloads);
    EXPECT_EQ(read.batch.SerializeAsString(), frame.batch.SerializeAsString());
  }
}

TEST(Frame, IsReadFromPiecesOfOneByte) {
  const auto frame = batch_of({0, 1, 16, 1024, 1025, 3000});
  Frame<v1::ClientBatch> read;
  ASSERT_TRUE(decode(pieces_of(whole(frame).SerializeAsString(), 1), read));
  EXPECT_EQ(read.payloads, frame.payloads);
  EXPECT_EQ(read.batch.SerializeAsString(), frame.batch.SerializeAsString());
}

TEST(Frame, RefersToLargePayloadsInsteadOfCopyingThem) {
  Frame<v1::WorkerInbox> frame;
  frame.batch.add_runs()->set_task(1);
  frame.payloads.emplace_back(std::string(100'000, 'x'));
  const char* const sent = frame.payloads[0].TryFlat()->data();
  const grpc::ByteBuffer buffer = encode(frame);

  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(buffer.Dump(&slices).ok());
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_EQ(reinterpret_cast<const char*>(slices[1].begin()), sent);

  Frame<v1::WorkerInbox> read;
  ASSERT_TRUE(decode(buffer, read));
  EXPECT_EQ(read.payloads[0].TryFlat()->data(), sent);
}

TEST(Frame, KeepsPayloadsAliveAsLongAsTheyAreInUse) {
  absl::Cord kept;
  {
    auto frame = batch_of({50'000});
    const grpc::ByteBuffer buffer = encode(frame);
    frame.clear();
    Frame<v1::ClientBatch> read;
    ASSERT_TRUE(decode(buffer, read));
    kept = read.payloads[0];
  }
  EXPECT_EQ(kept, std::string(50'000, 'a'));
}

TEST(Frame, OfNothingIsAnEmptyMessage) {
  Frame<v1::WorkerBatch> frame;
  const auto buffer = encode(frame);
  EXPECT_EQ(buffer.Length(), 0u);
  Frame<v1::WorkerBatch> read;
  EXPECT_TRUE(decode(buffer, read));
  EXPECT_TRUE(read.payloads.empty());
}

TEST(Frame, KeepsFailuresBesideValues) {
  Frame<v1::ClientInbox> frame;
  frame.batch.add_outcomes()->mutable_failure()->set_text("no");
  frame.payloads.emplace_back();
  frame.batch.add_outcomes()->set_id(2);
  frame.payloads.emplace_back("yes");
  Frame<v1::ClientInbox> read;
  ASSERT_TRUE(decode(encode(frame), read));
  EXPECT_EQ(read.batch.outcomes(0).failure().text(), "no");
  EXPECT_THAT(read.payloads, ::testing::ElementsAre(absl::Cord(), absl::Cord("yes")));
}

TEST(Frame, ThatIsCutShortIsNoBatch) {
  const std::string bytes = whole(batch_of({10, 2000, 5})).SerializeAsString();
  // What ends between two fields is a shorter batch; in no case is there a payload too many.
  int refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Frame<v1::ClientBatch> read;
    if (!decode(pieces_of(bytes.substr(0, size), 512), read)) {
      ++refused;
    } else {
      EXPECT_EQ(read.payloads.size(), static_cast<std::size_t>(read.batch.submits_size()));
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST(Frame, WithATagOfMoreThan32BitsIsNoBatch) {
  // To protobuf, which drops the upper bits, this would be an item, and one without a payload.
  Frame<v1::ClientBatch> read;
  EXPECT_FALSE(decode(pieces_of(std::string("\x9a\x80\x80\x80\x10\x00", 6), 6), read));
}

TEST(Frame, OfRandomBytesIsReadOrRefusedButHarmless) {
  std::minstd_rand random(1);
  const std::string valid = whole(batch_of({10, 2000, 5, 1500})).SerializeAsString();
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = valid;
    for (int change = 0; change < 3; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    Frame<v1::ClientBatch> read;
    if (!decode(pieces_of(bytes, 1 + random() % 700), read)) ++refused;
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace penstock::proto_frame
