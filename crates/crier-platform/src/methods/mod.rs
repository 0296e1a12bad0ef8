//! One file per method, named after its wire name, and the registry that lists them.

pub(crate) mod registry;

mod auth_create_token;
mod auth_expire_session;
mod auth_get_session;
mod auth_promote_session;
mod batch_run;
pub(crate) mod feed_publish_story_to_user;
mod live_message_cancel;
mod live_message_create_ticket;
pub(crate) mod live_message_send;
mod live_message_status;
mod photos_upload;
mod users_get_logged_in_user;
mod users_is_app_added;
mod users_is_app_user;
