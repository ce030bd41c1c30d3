# Everything Penstock links against, found once. All of it comes from Debian 12 packages; the
# list of package names is deploy/packages.txt.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED CONFIG)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)

find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
if(NOT TARGET penstock_asio)
  add_library(penstock_asio INTERFACE)
  target_include_directories(penstock_asio SYSTEM INTERFACE
                             $<BUILD_INTERFACE:${ASIO_INCLUDE_DIR}>)  # installed: the system's own
  # Asio 1.22 takes std::aligned_alloc or not depending on which headers came before it; two files of
  # one program would then allocate one way and free the other.
  # And for clang it asks for the coroutines of a technical specification, not those of C++20.
  target_compile_definitions(penstock_asio INTERFACE ASIO_STANDALONE ASIO_DISABLE_STD_ALIGNED_ALLOC
                             $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT>)
  target_link_libraries(penstock_asio INTERFACE Threads::Threads)
endif()
