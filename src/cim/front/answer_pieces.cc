#include "cim/front/answer_pieces.h"

#include <utility>

namespace lockstep::cim {

namespace {

constexpr std::size_t whole_up_to = 256u << 10;

}  // namespace

void AnswerPieces::add(std::string text) { parts_.push_back({std::move(text), nullptr}); }

void AnswerPieces::add(Produced produced) {
  parts_.push_back({std::move(produced.head), std::move(produced.items)});
  add(std::move(produced.tail));
}

bool AnswerPieces::more(std::string& out) {
  if (parts_.empty()) return false;
  Part& part = parts_.front();
  out += std::exchange(part.text, {});
  bool again = part.items && part.items->more(out);
  if (!again) parts_.pop_front();
  return !parts_.empty();
}

void AnswerPieces::put_back(std::string text) { parts_.push_front({std::move(text), nullptr}); }

rt::Task<std::optional<std::string>> AnswerPieces::next(rt::Stop&) {
  std::string out;
  while (out.empty() && !parts_.empty()) more(out);
  if (out.empty()) co_return std::nullopt;
  co_return std::optional<std::string>(std::move(out));
}

void put_answer(http::Response& response, std::unique_ptr<AnswerPieces> answer) {
  std::string start;
  bool more = true;
  while (more && start.size() < whole_up_to) more = answer->more(start);
  if (!more) {
    response.body = std::move(start);
    return;
  }
  answer->put_back(std::move(start));
  response.pieces = std::move(answer);
}

}  // namespace lockstep::cim
