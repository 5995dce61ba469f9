#include "motion.hpp"
#include "people_cascade.hpp"
#include "people_hog.hpp"
#include "unsure_boxes.hpp"

SKERRY_PLUGIN(skerry::feature<street::Motion>("motion"),
              skerry::feature<street::PeopleCascade>("people-cascade"),
              skerry::feature<street::PeopleHog>("people-hog"),
              skerry::feature<street::UnsureBoxes>("unsure-boxes"));
