// What the commands that ask a cloud have in common.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "hosts/cli/admin/admin_client.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {

// $SKERRY_STATE, or skerry/cloud in the user's state directory.
std::filesystem::path default_state_dir();

// Over the local socket, or with the admin key where one is given.
Result<AdminClient> connect_to_cloud(const Operator& who);

// Connects and lets `work` do the rest; complains when no cloud answers.
int with_cloud(const Operator& who, const std::function<int(AdminClient&)>& work);

struct Question {
  std::string verb;
  Json body;
  std::chrono::milliseconds patience = AdminClient::kPatience;
};
// One question; the answer as JSON, or as `show` prints it. Complains when it is refused.
int ask(const Operator& who, const Question& question,
        const std::function<void(const Json&)>& show);

// "job" of "jobs", "Job" or "job"; anything else: complains, and gives an empty text.
std::string singular_kind(const std::string& given);

}  // namespace skerry::cli
