#!/bin/bash
# Builds the targets as OSS-Fuzz wants them: with $CC, $CFLAGS, $CXX and $LIB_FUZZING_ENGINE, into
# $OUT, with dictionaries and seeds. Where they run no libraries are: all are linked in.
set -eu
root=$SRC/cleave
build=$WORK/cleave
deps=$WORK/deps

# Of the system's, one needs libraries that have no archives, and the other may be too old.
if [ -d "$SRC/libpcap" ]; then
    cd "$SRC/libpcap"
    [ -x configure ] || ./autogen.sh
    ./configure --prefix="$deps" --disable-shared --disable-dbus --disable-usb \
        --disable-bluetooth --disable-rdma --without-libnl
    make -j"$(nproc)" install
fi
if [ -d "$SRC/xxHash" ]; then
    make -C "$SRC/xxHash" prefix="$deps" \
        install_libxxhash.a install_libxxhash.includes install_libxxhash.pc
fi
export PKG_CONFIG_PATH=$deps/lib/pkgconfig

rm -rf "$build"
meson setup "$build" "$root" -Dfuzz=enabled "-Dfuzz_engine=$LIB_FUZZING_ENGINE" -Db_lundef=false \
    -Dprefer_static=true -Djemalloc=disabled --buildtype=plain
targets=$(sed -n 's|^build \(tests/fuzz/fuzz-[a-z]*\): .*|\1|p' "$build/build.ninja")
# shellcheck disable=SC2086 # words
ninja -C "$build" tests/fuzz/seeds $targets

for target in $targets; do
    name=${target##*/fuzz-}
    cp "$build/$target" "$OUT/"
    [ ! -f "$root/tests/fuzz/dict/$name" ] ||
        cp "$root/tests/fuzz/dict/$name" "$OUT/fuzz-$name.dict"
    for seeds in "$build/tests/fuzz/seeds/$name" "$root/tests/fuzz/corpus/$name"; do
        [ ! -d "$seeds" ] || (cd "$seeds" && zip -qr "$OUT/fuzz-${name}_seed_corpus.zip" .)
    done
done
