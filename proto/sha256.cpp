#include "proto/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace penstock::proto_sha256 {
namespace {

// It fails only when there is no memory.
void expect(bool succeeded) {
  if (!succeeded) std::abort();
}

}  // namespace

struct Sha256::Context {
  Context() { expect(digest != nullptr && EVP_DigestInit_ex(digest, EVP_sha256(), nullptr) == 1); }
  ~Context() { EVP_MD_CTX_free(digest); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* const digest = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  expect(EVP_DigestUpdate(context_->digest, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  expect(EVP_DigestFinal_ex(context_->digest, sum, &size) == 1);
  return {reinterpret_cast<const char*>(sum), size};
}

}  // namespace penstock::proto_sha256
