// main() of test programs whose functions run on worker processes: these are the program itself.
#include <gtest/gtest.h>

#include <penstock/init.hpp>

int main(int argc, char** argv) {
  penstock::init();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
