//! The content security policy that each page is sent with: our own styles, our own pictures, no script.
//! Decides the header's text; the handler sets it, together with `Cache-Control: no-store`.

/// Where the form of a page is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormTarget {
    /// Back to us.
    OwnServer,
    /// To the login form of the router, which then redirects anywhere the guest wanted to go.
    RouterLogin,
}

/// Value of `Content-Security-Policy`. `nonce` is the page's own; it must be fresh for each answer.
pub fn content_security_policy(nonce: &str, forms: FormTarget) -> String {
    // Browsers hold the redirects after a form to `form-action` too, and where a router redirects to is not known to us.
    let form_action = match forms {
        FormTarget::OwnServer => "'self'",
        FormTarget::RouterLogin => "http: https:",
    };
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action {form_action}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_may_run_script_or_load_from_elsewhere() {
        for forms in [FormTarget::OwnServer, FormTarget::RouterLogin] {
            let policy = content_security_policy("abc", forms);
            assert!(policy.starts_with("default-src 'none'; style-src 'nonce-abc';"));
            assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        }
    }
}
