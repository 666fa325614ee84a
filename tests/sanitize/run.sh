#!/usr/bin/env bash
# The kernels under sanitizers, by clang: gcc's OpenMP runtime is not made for ThreadSanitizer. One line a check.
set -euo pipefail
cd "$(dirname "$0")"
source=../../src/elman/kernels/csrc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian's and Ubuntu's names: the compiler, its sanitizers, OpenMP with Archer, names and lines in reports.
packages=(clang libclang-rt-dev libomp-dev llvm)

can() { # can SANITIZER: whether a program with OpenMP can be built with it
  echo 'int main() {}' | clang++ -x c++ -fopenmp -fsanitize="$1" -o "$work/probe" - 2>"$work/probe.log"
}

if ! { can address,undefined && can thread; }; then
  install="apt-get install --no-install-recommends ${packages[*]}"
  if [ "${CI:-}" != true ] && [ "${ELMAN_INSTALL:-}" != 1 ]; then
    echo "sanitize: clang with sanitizers and OpenMP must be there, got: $(tail -n 1 "$work/probe.log")." >&2
    echo "Run $install, or pass ELMAN_INSTALL=1 to have it done." >&2
    exit 1
  fi
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" $install -y -qq
fi

# Instruction set -> what the compiler is told, as in kernels/build.py.
declare -A flags=(
  [portable]=""
  [avx2]="-mavx2 -mfma"
  [avx512]="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma"
)
sets=(portable)
has() { grep -qw "$1" /proc/cpuinfo; } # has ABILITY: of the processor
if [ "$(uname -m)" = x86_64 ]; then
  if has avx2 && has fma; then sets+=(avx2); fi
  if has avx512f && has avx512bw && has avx512dq && has avx512vl; then sets+=(avx512); fi
fi
best=${sets[-1]}

export OMP_WAIT_POLICY=passive # four threads on two cores: none of them waits awake for its next call
export UBSAN_OPTIONS=print_stacktrace=1
# What the runtime does inside is not for ThreadSanitizer to judge; Archer tells it when threads start and meet.
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1
# ThreadSanitizer wants addresses where it expects them, and some kernels scatter them further; a container may forbid
# to ask.
still=()
if setarch -R true 2>/dev/null; then still=(setarch -R); fi

build() { # build NAME SET FLAGS...: the harness as $work/NAME
  local name=$1 set=$2
  shift 2
  clang++ -std=c++17 -g -fno-omit-frame-pointer -fopenmp -ffp-contract=fast -fno-math-errno \
    -fno-trapping-math -Wall -Wextra -Werror ${flags[$set]} "$@" -I "$source" harness.cpp \
    -o "$work/$name" 2>"$work/$name.log"
}

passed() { echo "passed  $1"; echo passed >>"$work/tally"; }
failed() { echo "FAILED  $1"; sed 's/^/        /' "$2" | head -n 60; echo failed >>"$work/tally"; }

# A check that cannot fail is none: the harness does wrong by intent, and the sanitizer must say so.
must_report() { # must_report NAME WORD REPORT TITLE
  if "${still[@]}" "$work/$1" "$2" >"$work/$1-$2.log" 2>&1 || ! grep -q "$3" "$work/$1-$2.log"; then
    failed "$4" "$work/$1-$2.log"
  else
    passed "$4"
  fi
}

must_pass() { # must_pass NAME WORD TITLE
  if "${still[@]}" "$work/$1" "$2" >"$work/$1-$2.log" 2>&1; then
    passed "$3: $(tail -n 1 "$work/$1-$2.log")"
  else
    failed "$3" "$work/$1-$2.log"
  fi
}

memory() { # memory SET
  # Checks that are called, not inlined: as good, and compiled in half the time.
  if ! build "memory-$1" "$1" -O1 -fsanitize=address -mllvm -asan-instrumentation-with-call-threshold=0; then
    failed "AddressSanitizer, $1: does not compile" "$work/memory-$1.log"
    return
  fi
  must_report "memory-$1" overrun heap-buffer-overflow "AddressSanitizer, $1, sees an array that is too short"
  must_pass "memory-$1" memory "AddressSanitizer, $1"
}

undefined() { # undefined SET
  # A program of its own, not optimised: with its checks inside, every tile takes minutes to compile otherwise.
  if ! build "undefined-$1" "$1" -O0 -fsanitize=undefined -fno-sanitize-recover=all; then
    failed "UndefinedBehaviorSanitizer, $1: does not compile" "$work/undefined-$1.log"
    return
  fi
  must_pass "undefined-$1" sizes "UndefinedBehaviorSanitizer, $1"
}

threads() { # threads SET
  if ! build "threads-$1" "$1" -O1 -fsanitize=thread; then
    failed "ThreadSanitizer, $1: does not compile" "$work/threads-$1.log"
    return
  fi
  must_report "threads-$1" race "data race" "ThreadSanitizer, $1, sees barriers that are left open"
  must_pass "threads-$1" threads "ThreadSanitizer, $1"
}

checks=()
for set in "${sets[@]}"; do checks+=("memory $set"); done
for set in $(printf '%s\n' portable "$best" | sort -u); do checks+=("undefined $set" "threads $set"); done
for check in "${checks[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
  { $check && echo "$check" >>"$work/done"; } &
done
wait

count() { grep -c "$1" "$work/tally" || true; }
echo "$(count passed) passed, $(count failed) failed"
# One that was killed has said nothing.
[ "$(count failed)" = 0 ] && [ "$(wc -l <"$work/done")" = ${#checks[@]} ]
