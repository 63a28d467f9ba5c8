#include "pool/device/signature.h"


namespace lockstep::pool::device {

namespace {

// Where each writes its mark, by the documents of their makers.
struct Mark {
  std::size_t at;
  std::string_view bytes;
  const char* name;
};
using namespace std::string_view_literals;
constexpr Mark marks[] = {
    {512, "EFI PART"sv, "a GPT partition table"},
    {4096, "EFI PART"sv, "a GPT partition table"},
    {0, "XFSB"sv, "an XFS file system"},
    {1080, "\x53\xef"sv, "an ext2, ext3 or ext4 file system"},
    {65600, "_BHRfS_M"sv, "a Btrfs file system"},
    {1024, "\x10\x20\xf5\xf2"sv, "an F2FS file system"},
    {3, "NTFS    "sv, "an NTFS file system"},
    {3, "EXFAT   "sv, "an exFAT file system"},
    {54, "FAT1"sv, "a FAT file system"},
    {82, "FAT32   "sv, "a FAT file system"},
    {32769, "CD001"sv, "an ISO 9660 file system"},
    {0, "hsqs"sv, "a SquashFS file system"},
    {0, "LUKS\xba\xbe"sv, "a LUKS volume"},
    {0, "bluestore block device"sv, "a Ceph OSD"},
    {512, "LABELONE"sv, "an LVM physical volume"},
    {0, "LABELONE"sv, "an LVM physical volume"},
    {4096, "\xfc\x4e\x2b\xa9"sv, "a member of a Linux RAID"},
    {0, "\xfc\x4e\x2b\xa9"sv, "a member of a Linux RAID"},
    {4086, "SWAPSPACE2"sv, "swap space"},
    {4086, "SWAP-SPACE"sv, "swap space"},
    {0, "QFI\xfb"sv, "a QCOW2 image"},
    {0, "KDMV"sv, "a VMDK image"},
    {510, "\x55\xaa"sv, "a partition table or a boot sector"},
};



}  // namespace

std::string what_is_there(Span first, Span last) {
  for (const Mark& mark : marks)
    if (mark.at + mark.bytes.size() <= first.size() && as_text(first.subspan(mark.at, mark.bytes.size())) == mark.bytes) return mark.name;
  if (last.size() >= 512 && as_text(last.last(512)).starts_with("EFI PART")) return "the second copy of a GPT partition table, at its end";
  if (!is_zero(first)) return "data, in its first MiB";
  if (!is_zero(last)) return "data, in its last MiB";
  return "";
}

}  // namespace lockstep::pool::device
