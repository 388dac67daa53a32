//! Bodies, as JSON can hold them.

use api::BodyView;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::effect::Catalogue;

/// Shows bodies to who may read them, without what is a secret.
pub(super) struct Bodies<'a> {
    pub shown: bool,
    pub catalogue: &'a Catalogue,
}

impl Bodies<'_> {
    /// A body whole, or only its length.
    pub fn view(&self, body: &[u8]) -> BodyView {
        let mut view = BodyView {
            bytes: body.len() as u64,
            ..BodyView::default()
        };
        if self.shown && !body.is_empty() {
            let body = self.catalogue.masked_body(body);
            match std::str::from_utf8(&body) {
                Ok(text) => view.text = Some(text.to_owned()),
                Err(_) => view.base64 = Some(STANDARD.encode(&body)),
            }
        }
        view
    }
}
