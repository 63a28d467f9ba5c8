// The answer of a message as HTTP: small ones whole, big ones in pieces made while they are sent. Private to cim.
#pragma once

#include <deque>
#include <string>

#include "cim/ops/answer.h"
#include "http/http.h"

namespace lockstep::cim {

class AnswerPieces final : public http::Pieces {
 public:
  // In the order in which they are to be sent.
  void add(std::string text);
  void add(Produced produced);

  // Appends some; false: that was all.
  bool more(std::string& out);
  void put_back(std::string text);   // to be sent first
  rt::Task<std::optional<std::string>> next(rt::Stop& stop) override;

 private:
  struct Part {
    std::string text;
    std::unique_ptr<Items> items;   // after the text
  };
  std::deque<Part> parts_;
};

// Body or pieces of `response`.
void put_answer(http::Response& response, std::unique_ptr<AnswerPieces> answer);

}  // namespace lockstep::cim
