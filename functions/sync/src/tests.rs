//! The pure half of the sync: planning, judging, requests and reports, without any network.

mod company;
mod groups;
mod judging;
mod managers;
mod order;
mod planning;
mod requests;
mod scope;
mod time;
mod usernames;
