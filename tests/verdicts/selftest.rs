pub fn labels_are_what_was_kept() {}
pub fn figures_are_right() {}
pub fn a_seed_gives_the_same_logs() {}
