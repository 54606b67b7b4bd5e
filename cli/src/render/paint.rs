//! Colour, in one place: a [`Paint`] knows whether colour is allowed, and gives plain text where it is not.

use nu_ansi_term::{Color, Style};

/// Writes styled text, or plain text where there is no terminal or `NO_COLOR` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// A paint that colours or does not.
    pub fn new(on: bool) -> Paint {
        Paint { on }
    }

    /// Whether it colours.
    pub fn on(self) -> bool {
        self.on
    }

    fn style(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            style.paint(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Less important: nulls, units, footers.
    pub fn dim(self, text: &str) -> String {
        self.style(Style::new().dimmed(), text)
    }

    /// A heading or a name.
    pub fn bold(self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    /// Something to type.
    pub fn accent(self, text: &str) -> String {
        self.style(Style::new().fg(Color::Cyan), text)
    }

    /// Good.
    pub fn good(self, text: &str) -> String {
        self.style(Style::new().fg(Color::Green), text)
    }

    /// A warning.
    pub fn warn(self, text: &str) -> String {
        self.style(Style::new().fg(Color::Yellow), text)
    }

    /// An error.
    pub fn bad(self, text: &str) -> String {
        self.style(Style::new().fg(Color::Red).bold(), text)
    }

    /// Any colour, 24 bits where the terminal knows them, else the nearest of 256.
    pub fn rgb(self, [r, g, b]: [u8; 3], truecolor: bool, text: &str) -> String {
        let color = if truecolor {
            Color::Rgb(r, g, b)
        } else {
            Color::Fixed(nearest_of_256([r, g, b]))
        };
        self.style(Style::new().fg(color), text)
    }
}

/// The nearest colour of the 6 x 6 x 6 cube or the grey ramp of 256-colour terminals.
pub fn nearest_of_256(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |v: u8| (0..6).min_by_key(|&i| v.abs_diff(STEPS[i])).unwrap_or(0);
    let cube = rgb.map(step);
    let cube_rgb = cube.map(|i| STEPS[i]);
    let mean = rgb.iter().map(|&v| u32::from(v)).sum::<u32>() / 3;
    let grey = ((mean.saturating_sub(8) + 5) / 10).min(23) as u8;
    let grey_rgb = [8 + 10 * grey; 3];
    let far = |other: [u8; 3]| -> u32 {
        rgb.iter()
            .zip(other)
            .map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2))
            .sum()
    };
    if far(grey_rgb) < far(cube_rgb) {
        232 + grey
    } else {
        (16 + 36 * cube[0] + 6 * cube[1] + cube[2]) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_coloured_when_colour_is_off() {
        assert_eq!(Paint::new(false).bad("x"), "x");
        assert_ne!(Paint::new(true).bad("x"), "x");
    }

    #[test]
    fn corners_and_greys_of_the_cube_are_found() {
        assert_eq!(nearest_of_256([0, 0, 0]), 16);
        assert_eq!(nearest_of_256([255, 255, 255]), 231);
        assert_eq!(nearest_of_256([255, 0, 0]), 196);
        assert_eq!(nearest_of_256([128, 128, 128]), 244);
    }
}
