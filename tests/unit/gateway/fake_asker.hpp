// Answers questions with what a test says.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/gateway/asker.hpp"

namespace skerry::gateway {

class FakeAsker : public Asker {
 public:
  struct Asked {
    wire::PredictRequest request;
    std::string data;
  };

  wire::PredictReply reply;
  std::vector<float> outputs{0.25F, 0.75F};
  // How an answer gets from ask() to the asker; left empty: within ask().
  std::function<void(std::function<void()>)> later;

  void ask(const wire::PredictRequest& request, std::string data, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({request, std::move(data)});
    }
    auto answer = [this, done = std::move(done)] { done(reply, outputs); };
    if (later)
      later(std::move(answer));
    else
      answer();
  }

  Json services() const override { return Json::array({{{"name", "digits"}, {"version", 3}}}); }

  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
};

}  // namespace skerry::gateway
