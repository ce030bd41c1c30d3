// All of Penstock: local streams, and the cluster behind scatter() and gather().
#pragma once

#include "penstock/client.hpp"
#include "penstock/distributed_stream.hpp"
#include "penstock/future.hpp"
#include "penstock/init.hpp"
#include "penstock/runtime.hpp"
#include "penstock/task_error.hpp"
#include "penstock/this_task.hpp"
