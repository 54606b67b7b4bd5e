//! Which format a file is, decided by its first bytes.
//!
//! Names lie: a `.jpg` may well be a WebP that a browser saved. So extensions only say which files to look at.

use std::path::Path;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, baseline and progressive.
    Jpeg,
    /// PNG; of an animated one the default image.
    Png,
    /// WebP, lossy and lossless; of an animated one the first frame.
    WebP,
    /// GIF, first frame.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF, first page.
    Tiff,
    /// PBM, PGM, PPM and PAM.
    Pnm,
}

/// Extensions of files worth opening, lower case.
const READABLE: &[&str] = &[
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff", "pbm",
    "pgm", "ppm", "pnm", "pam",
];

/// Extensions of pictures that are known and cannot be read, lower case.
const UNREADABLE: &[&str] = &[
    "heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "ico", "tga", "exr", "hdr", "raw", "dng",
    "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf",
];

/// What a file's name lets one expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// A picture in a format that can be read.
    Picture,
    /// A picture in a format that cannot be read.
    Unreadable,
    /// Something else.
    Other,
}

impl Expect {
    /// Judges a file by its name alone.
    pub fn of(path: &Path) -> Expect {
        let Some(extension) = path.extension().and_then(|e| e.to_str()) else {
            return Expect::Other;
        };
        let extension = extension.to_ascii_lowercase();
        if READABLE.contains(&extension.as_str()) {
            Expect::Picture
        } else if UNREADABLE.contains(&extension.as_str()) {
            Expect::Unreadable
        } else {
            Expect::Other
        }
    }
}

impl Format {
    /// Number of leading bytes that [`Format::sniff`] wants to see.
    pub const SNIFF: usize = 16;

    /// The format that a file starting with `head` is in, if it is one that can be read.
    pub fn sniff(head: &[u8]) -> Option<Format> {
        match head {
            [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Format::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Format::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            [b'B', b'M', ..] if head.len() > 14 => Some(Format::Bmp),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
            [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r' | b'#', ..] => Some(Format::Pnm),
            _ => None,
        }
    }

    /// Why a file starting with `head` is not a picture that can be read, as a sentence.
    pub(super) fn complaint(head: &[u8]) -> String {
        match head {
            [] => "the file is empty".into(),
            [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => {
                "HEIC pictures cannot be read; convert it to JPEG or PNG".into()
            }
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => {
                "AVIF pictures cannot be read; convert it to JPEG or PNG".into()
            }
            _ => "this is not a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM picture".into(),
        }
    }

    /// The media type, as in HTTP.
    pub fn mime_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
            Format::Tiff => "image/tiff",
            Format::Pnm => "image/x-portable-anymap",
        }
    }

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Tiff => "TIFF",
            Format::Pnm => "PNM",
        }
    }

    pub(super) fn of_image_crate(self) -> image::ImageFormat {
        match self {
            Format::Jpeg => image::ImageFormat::Jpeg,
            Format::Png => image::ImageFormat::Png,
            Format::WebP => image::ImageFormat::WebP,
            Format::Gif => image::ImageFormat::Gif,
            Format::Bmp => image::ImageFormat::Bmp,
            Format::Tiff => image::ImageFormat::Tiff,
            Format::Pnm => image::ImageFormat::Pnm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_only_say_what_to_open() {
        assert_eq!(Expect::of(Path::new("a/B.JPeG")), Expect::Picture);
        assert_eq!(Expect::of(Path::new("a/b.heic")), Expect::Unreadable);
        assert_eq!(Expect::of(Path::new("a/b.txt")), Expect::Other);
        assert_eq!(Expect::of(Path::new("png")), Expect::Other);
    }

    #[test]
    fn every_prefix_of_a_signature_is_safe() {
        let heads: [&[u8]; 4] = [
            b"\xFF\xD8\xFF\xE0",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"P6\n1 1\n255\n",
            b"BM",
        ];
        for head in heads {
            for end in 0..=head.len() {
                Format::sniff(&head[..end]);
                assert!(!Format::complaint(&head[..end]).is_empty());
            }
        }
    }
}
