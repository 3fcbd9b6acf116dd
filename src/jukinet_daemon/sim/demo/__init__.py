"""実演: a whole prefecture on one machine: start it, watch a day, judge whether everybody agrees."""
