// penstock::init(): the first line of main() in a program whose functions run on worker processes.
#pragma once

namespace penstock {

// In a process that was started as a worker (by penstock-worker --app, or by Client::local()) this
// serves tasks and never returns. In any other it returns at once. Calling it twice is harmless.
void init();

}  // namespace penstock
