// Whether this process can become a worker when it is executed again.
#pragma once

namespace penstock::local {

// init() was called in this process.
bool initialised();

}  // namespace penstock::local
