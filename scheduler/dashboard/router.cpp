#include "scheduler/dashboard/router.hpp"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <cmath>

#include "scheduler/dashboard/assets.hpp"
#include "scheduler/dashboard/json.hpp"
#include "scheduler/dashboard/metrics.hpp"

namespace penstock::scheduler {
namespace {

constexpr char kHtml[] = "text/html; charset=utf-8";
constexpr char kJson[] = "application/json";

absl::string_view absl_view(std::string_view text) { return {text.data(), text.size()}; }

HttpResponse response(int status, std::string reason, std::string type, std::string body) {
  HttpResponse out{status, std::move(reason), {}, std::move(body)};
  out.fields.emplace_back("Content-Type", std::move(type));
  return out;
}

// What is live must never come from a cache.
HttpResponse live(std::string type, std::string body) {
  HttpResponse out = response(200, "OK", std::move(type), std::move(body));
  out.fields.emplace_back("Cache-Control", "no-store");
  return out;
}

HttpResponse short_page(int status, const std::string& reason, const std::string& text) {
  std::string body = absl::StrCat(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>", reason,
      "</title><link rel=\"icon\" href=\"/assets/icon.svg\"><link rel=\"stylesheet\" "
      "href=\"/assets/status.css\"></head><body><main class=\"message\"><h1>",
      reason, "</h1><p>", text,
      "</p><p><a href=\"/status\">Go to the status page</a></p></main></body></html>\n");
  return response(status, reason, kHtml, std::move(body));
}

std::string content_type(std::string_view name) {
  const absl::string_view view = absl_view(name);
  if (absl::EndsWith(view, ".html")) return kHtml;
  if (absl::EndsWith(view, ".css")) return "text/css; charset=utf-8";
  if (absl::EndsWith(view, ".js")) return "text/javascript; charset=utf-8";
  if (absl::EndsWith(view, ".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

// The same for programs.
HttpResponse short_json(int status, const std::string& reason, std::string_view text) {
  return response(status, reason, kJson, absl::StrCat("{\"error\":\"", absl_view(text), "\"}\n"));
}

HttpResponse refusal(std::string_view path, int status, const std::string& reason, const std::string& text) {
  return absl::StartsWith(absl_view(path), "/api/") ? short_json(status, reason, text)
                                                    : short_page(status, reason, text);
}

HttpResponse not_found() { return short_page(404, "Not Found", "There is nothing at this path."); }

HttpResponse asset(std::string_view name, std::string_view if_none_match) {
  const Asset* found = find_asset(name);
  if (found == nullptr) return not_found();
  HttpResponse out;
  if (found->etag == if_none_match) {
    out = {304, "Not Modified", {}, {}};
  } else {
    out = response(200, "OK", content_type(name), std::string(found->body));
  }
  out.fields.emplace_back("ETag", std::string(found->etag));
  out.fields.emplace_back("Cache-Control", "no-cache");
  return out;
}

HttpResponse redirect_to_status() {
  HttpResponse out = response(302, "Found", "text/plain; charset=utf-8", "See /status\n");
  out.fields.emplace_back("Location", "/status");
  return out;
}

// Scripts, styles and data from this server alone; nobody may put the page in a frame.
void add_security_fields(HttpResponse& out) {
  out.fields.emplace_back("Content-Security-Policy",
                          "default-src 'none'; script-src 'self'; style-src 'self'; "
                          "img-src 'self'; connect-src 'self'; base-uri 'none'; "
                          "form-action 'none'; frame-ancestors 'none'");
  out.fields.emplace_back("X-Content-Type-Options", "nosniff");
  out.fields.emplace_back("Referrer-Policy", "no-referrer");
  out.fields.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

Router::Router(std::function<Snapshot()> snapshot, std::function<HttpCounters()> counters,
               std::chrono::steady_clock::duration reuse)
    : take_snapshot_(std::move(snapshot)), counters_(std::move(counters)), reuse_(reuse) {}

const Snapshot& Router::snapshot() {
  const auto now = std::chrono::steady_clock::now();
  if (!last_ || now - taken_ >= reuse_) {
    last_ = take_snapshot_();
    taken_ = now;
    wall_ = std::chrono::system_clock::now();
  }
  return *last_;
}

HttpResponse Router::respond(const HttpRequest& request) {
  HttpResponse out;
  if (request.method != "GET" && request.method != "HEAD") {
    out = refusal(request.target, 405, "Method Not Allowed", "Only GET and HEAD are understood here.");
    out.fields.emplace_back("Allow", "GET, HEAD");
  } else {
    const std::size_t question = request.target.find('?');
    const std::string_view query = question == std::string_view::npos
                                       ? std::string_view()
                                       : request.target.substr(question + 1);
    out = route(request.target.substr(0, question), query, request);
  }
  add_security_fields(out);
  return out;
}

HttpResponse Router::route(std::string_view path, std::string_view query,
                           const HttpRequest& request) {
  if (path == "/") return redirect_to_status();
  if (path == "/status") return asset("status.html", request.if_none_match);
  if (path == "/favicon.ico") return asset("icon.svg", request.if_none_match);
  if (path == "/health") return live(kJson, health_json(snapshot()));
  if (path == "/metrics") return live(kMetricsContentType, metrics_text(snapshot(), counters_()));
  if (path == "/api/v1/status") return status_api(query);
  absl::string_view name = absl_view(path);
  if (!absl::ConsumePrefix(&name, "/assets/")) {
    return refusal(path, 404, "Not Found", "There is nothing at this path.");
  }
  return asset({name.data(), name.size()}, request.if_none_match);
}

HttpResponse Router::status_api(std::string_view query) {
  StatusQuery wanted;
  for (absl::string_view pair : absl::StrSplit(absl_view(query), '&')) {
    if (!absl::ConsumePrefix(&pair, "since=")) continue;
    double since = 0;
    if (!absl::SimpleAtod(pair, &since) || !std::isfinite(since)) {
      return short_json(400, "Bad Request", "since must be a number of milliseconds.");
    }
    wanted.since = since;
  }
  const Snapshot& now = snapshot();
  return live(kJson, status_json(now, wall_, wanted));
}

}  // namespace penstock::scheduler
