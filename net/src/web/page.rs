//! The page at `/`: the files of the folder beside this one, built into the program.

/// What the page may load: files of this door, and its streams. Nothing inline, nothing from elsewhere.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// A file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Where the door serves it.
    pub(crate) path: &'static str,
    /// Value of `Content-Type`.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal $content_type:ident $name:literal)*) => {
        /// Every file of the page, the page itself first.
        pub(crate) const FILES: &[File] = &[$(File {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(concat!("page/", $name)),
        }),*];
    };
}

files! {
    "/" HTML "index.html"
    "/page/page.css" CSS "page.css"
    "/page/icon.svg" PICTURE "icon.svg"
    "/page/main.js" SCRIPT "main.js"
    "/page/book.js" SCRIPT "book.js"
    "/page/canvas.js" SCRIPT "canvas.js"
    "/page/chart.js" SCRIPT "chart.js"
    "/page/ladder.js" SCRIPT "ladder.js"
    "/page/latency.js" SCRIPT "latency.js"
    "/page/numbers.js" SCRIPT "numbers.js"
    "/page/picker.js" SCRIPT "picker.js"
    "/page/tape.js" SCRIPT "tape.js"
    "/page/venue.js" SCRIPT "venue.js"
}

/// The file served at `path` (without a query).
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder is part of the source")
            .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        let served = FILES
            .iter()
            .map(|file| file.path.trim_start_matches("/page/").replace('/', "index.html"))
            .collect();
        assert_eq!(there, served);
        assert!(find("/").is_some() && find("/page/../Cargo.toml").is_none() && find("").is_none());
    }

    #[test]
    fn nothing_is_inline_or_from_elsewhere() {
        for file in FILES {
            let text = std::str::from_utf8(file.bytes).expect("the page is text");
            assert!(!text.contains("https://") && !text.contains("style=\""), "{}", file.path);
            assert!(!text.contains("innerHTML"), "{}: text of the venue is never markup", file.path);
        }
        let page = std::str::from_utf8(FILES[0].bytes).expect("the page is text");
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script type=\"module\" src=\"/page/").count()
        );
    }
}
