// Tasks that nobody can run: for how long they may wait, and what their clients are told then.
#include <algorithm>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {

void Core::State::consider_wait(Lane& lane) {
  if (!lane.requirement->pools.empty()) {
    if (lane.wait) stop_wait(lane);
    return;
  }
  if (!lane.wait) want_program(lane);
  const bool uploading = is_uploading(lane);
  const bool any_worker = pools.workers() > 0 || has_hosts(lane);
  if (lane.wait && lane.wait->any_worker == any_worker && lane.wait->uploading == uploading) return;
  // One that waits already does not begin anew when an upload begins or fails.
  const TimePoint began = lane.wait && lane.wait->any_worker == any_worker ? lane.wait->began : now;
  if (lane.wait) stop_wait(lane);
  const Duration timeout = uploading    ? options.upload_timeout
                           : any_worker ? options.code_timeout
                                        : options.no_worker_timeout;
  lane.wait = LaneWait{any_worker, uploading, began,
                       deadlines.add(std::max(now, began + timeout), LaneWaitOver{&lane})};
  const Client& client = *lane.client;
  if (uploading) {
    log(Log::Level::kInfo, "tasks of client " + quoted(client.name) + " wait until hosts run its program " +
                               named(client.program->offer));
  } else if (any_worker) {
    const Plan& plan = *lane.waiting.front()->plan;
    log(Log::Level::kWarning, "tasks of client " + quoted(client.name) + " wait: " + why_nobody(plan, pools).text +
                                  upload_text(lane));
  } else if (!no_worker_logged) {
    no_worker_logged = true;
    log(Log::Level::kWarning,
        "tasks of client " + quoted(client.name) + " wait: " +
            no_worker_text(last_end, options.no_worker_advice));
  }
}

void Core::State::consider_all_waits() {
  pools.for_each_requirement([this](Requirement& requirement) {
    for (Lane* lane = requirement.ring.front(); lane != nullptr; lane = LaneRing::next(*lane)) {
      consider_wait(*lane);
    }
  });
}

void Core::State::stop_wait(Lane& lane) {
  deadlines.cancel(lane.wait->deadline);
  lane.wait.reset();
}

void Core::State::end_wait(Lane& lane) {
  const bool any_worker = lane.wait->any_worker;
  lane.wait.reset();
  const std::string upload = upload_text(lane);
  ++lane.references;  // it may be that only these tasks hold it
  while (Task* task = lane.waiting.front()) {
    if (any_worker) {
      auto [kind, text] = why_nobody(*task->plan, pools);
      fail(*task, kind, text + upload);
    } else {
      fail(*task, FailureKind::kNoWorker,
           no_worker_text(last_end, options.no_worker_advice) + (upload.empty() ? "" : "." + upload));
    }
  }
  release(lane);
}

}  // namespace penstock::scheduler
