// fuzz_seeds FOLDER: writes valid inputs for each target, from which the corpus began.
#include <elf.h>

#include <cstring>
#include <filesystem>

#include "core/base/file.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/wire/envelope.hpp"
#include "tests/fuzz/messages.hpp"
#include "tests/unit/wire/samples.hpp"

namespace skerry::fuzz {
namespace {

std::filesystem::path root;

void write(const std::string& target, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(root / target);
  if (const auto written = write_file_durably(root / target / ("seed-" + name), bytes); !written)
    std::fprintf(stderr, "%s\n", written.error().text().c_str());
}

template <class Choices>
bool write_message(const char* target, wire::Type type, const std::string& encoded) {
  const auto at = std::ranges::find(Choices::types, type);
  if (at == Choices::types.end()) return false;
  const auto choice = at - Choices::types.begin();
  write(target, "message-" + std::to_string(static_cast<int>(type)),
        std::string(1, static_cast<char>(choice)) + encoded);
  return true;
}

void messages() {
  wire::for_each_sample([](const auto& sample) {
    const std::string encoded = wire::encode(sample);
    if (!write_message<NetworkMessages>("messages", sample.type, encoded))
      write_message<LocalMessages>("worker_frames", sample.type, encoded);
  });
  write("envelope", "ping", "\xff" + wire::frame({wire::Type::ping, 1, 2, 3}));
  write("envelope", "stop", "\xff" + wire::frame(1, 2, 3, wire::StopTask{{"job", "task"}, "why"}));
}

void questions() {
  const auto payload = [](const std::string& frame) { return frame.substr(wire::kHeaderSize); };
  wire::PredictRequest request{.service = "digits", .patience_us = 80000, .shape = {2}, .label = 1};
  const std::string two(8, '\x11');
  write("predict", "floats", '\0' + payload(wire::frame_request(1, 2, request, as_bytes(two))));
  request.form = wire::Form::uint8;
  request.shape = {2, 2, 2};
  write("predict", "bytes", '\0' + payload(wire::frame_request(1, 2, request, as_bytes(two))));
  request = {.service = "digits", .form = wire::Form::image};
  write("predict", "image", '\x02' + payload(wire::frame_request(1, 2, request, as_bytes(two))));
  wire::PredictReply reply{.by_cloud = true, .hard = true, .score = 0.5, .version = 3};
  write("predict", "answer", '\1' + payload(wire::frame_reply(1, 2, reply, as_bytes(two))));
  reply = {.code = "shape.mismatch", .message = "found a tensor of another shape"};
  write("predict", "refusal", '\1' + payload(wire::frame_reply(1, 2, reply, {})));
}

void tensors() {
  std::vector<tensor::TensorSpec> specs{{"w", "F32", {2, 3}}, {"b", "F16", {4}}, {"n", "I64", {}}};
  const std::string header = tensor::encode_header(specs, {{"format", "pt"}});
  write("safetensors", "whole", std::string(1, '\0') + header + std::string(40, '\x11'));
  write("safetensors", "header", std::string(1, '\x0a') + header.substr(8));
}

// The least that passes for a plugin: section names, the manifest, one exported symbol.
void plugin_file() {
  const std::string manifest =
      R"({"name":"p","version":"1.0.0","features":[{"id":"p","kind":"dataset/1","config":{"type":"object"}}]})";
  const std::string names("\0.shstrtab\0.skerry.plugin\0.dynsym\0.dynstr\0", 42);
  const std::string strings("\0skerry_plugin_entry_v1\0", 24);
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbols[1].st_shndx = 1;
  std::string body(sizeof(Elf64_Ehdr), '\0');
  std::vector<Elf64_Shdr> sections(1);
  const auto add = [&](std::uint32_t name, std::uint32_t type, std::uint32_t link,
                       std::uint64_t entry, std::string_view bytes) {
    Elf64_Shdr section{};
    section.sh_name = name;
    section.sh_type = type;
    section.sh_link = link;
    section.sh_offset = body.size();
    section.sh_size = bytes.size();
    section.sh_entsize = entry;
    sections.push_back(section);
    body += bytes;
  };
  add(1, SHT_STRTAB, 0, 0, names);
  add(11, SHT_PROGBITS, 0, 0, manifest);
  add(26, SHT_DYNSYM, 4, sizeof(Elf64_Sym), {reinterpret_cast<char*>(symbols), sizeof symbols});
  add(34, SHT_STRTAB, 0, 0, strings);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = header.e_version = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_ehsize = sizeof header;
  header.e_shoff = body.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  header.e_shstrndx = 1;
  std::memcpy(body.data(), &header, sizeof header);
  body.append(reinterpret_cast<const char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr));
  write("plugin_file", "least", body);
}

}  // namespace
}  // namespace skerry::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  skerry::fuzz::root = argv[1];
  skerry::fuzz::messages();
  skerry::fuzz::questions();
  skerry::fuzz::tensors();
  skerry::fuzz::plugin_file();
  return 0;
}
