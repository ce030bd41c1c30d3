// What only programs of this tree may give to a Worker.
#pragma once

#include <memory>

#include <grpcpp/grpcpp.h>

#include "worker/black_box.hpp"
#include "worker/wire.hpp"

namespace penstock::worker {

struct WorkerParts {
  std::shared_ptr<grpc::Channel> channel;  // null: made from the address
  std::shared_ptr<BlackBox> black_box;     // null: none
  Binder bind = bind_stages;
};

// "host-pid", the name of a worker that was given none.
std::string default_worker_name();

}  // namespace penstock::worker
