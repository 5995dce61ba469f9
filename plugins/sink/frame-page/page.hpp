// The page: HTML that is well-formed XML too, without scripts and without anything from elsewhere
// but the pictures.
#pragma once

#include <skerry/sink.hpp>

#include <string>
#include <vector>

namespace page {

// Text as HTML. What is not UTF-8 becomes U+FFFD, and what is a control character a space.
std::string escaped(const std::string& text);

struct Frame {
  std::string picture;  // where it is, seen from the page
  int width = 0, height = 0;
  std::string time;    // when it was written, for people
  std::string answer;  // what the service said, in a few words
  std::string label;   // what is right, where that is known
};

// One frame with its caption, on one line.
std::string figure(const Frame& frame, const skerry::Outcome& outcome);

// The whole page of such figures, in their order.
std::string document(const std::vector<std::string>& figures, const std::string& time);

}  // namespace page
