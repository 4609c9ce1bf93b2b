//! The pure half of the sync: planning, judging, requests and reports, without any network.

mod company;
mod judging;
mod planning;
mod requests;
