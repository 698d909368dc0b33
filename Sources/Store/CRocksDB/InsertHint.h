#pragma once

#include <rocksdb/slice_transform.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

namespace warbler {

// Tells RocksDB which keys are written in rising order, so that an insert starts from where the
// last one of that prefix ended.
//
// RocksDB 7.8 keeps one table of hints per memtable and uses it for range deletions too, which
// live in a skip list of their own: a hint of one list used in the other corrupts memory. So no
// key is in the domain while a range deletion may be on its way, which includes recovery.
class InsertHint : public rocksdb::SliceTransform {
 public:
    InsertHint(size_t prefix_bytes, std::shared_ptr<std::atomic<int>> paused)
        : prefix_bytes_(prefix_bytes),
          name_("warbler.InsertHint." + std::to_string(prefix_bytes)),
          paused_(std::move(paused)) {}

    const char* Name() const override { return name_.c_str(); }
    rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
        return rocksdb::Slice(key.data(), std::min(key.size(), prefix_bytes_));
    }
    bool InDomain(const rocksdb::Slice&) const override {
        return paused_->load(std::memory_order_acquire) == 0;
    }

 private:
    const size_t prefix_bytes_;
    const std::string name_;
    const std::shared_ptr<std::atomic<int>> paused_;
};

// Keeps insert hints out of use for as long as it lives.
class HintPause {
 public:
    explicit HintPause(std::atomic<int>* paused) : paused_(paused) {
        if (paused_) paused_->fetch_add(1, std::memory_order_acq_rel);
    }
    ~HintPause() {
        if (paused_) paused_->fetch_sub(1, std::memory_order_acq_rel);
    }
    HintPause(const HintPause&) = delete;
    HintPause& operator=(const HintPause&) = delete;

 private:
    std::atomic<int>* paused_;
};

}  // namespace warbler
