//! The pure half of the sync: planning, judging, requests and reports, without any network.

mod company;
mod groups;
mod judging;
mod planning;
mod requests;
