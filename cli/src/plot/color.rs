//! Colours in OKLCH (Ottosson 2020, "A perceptual color space for image processing"), where equal steps look equal.

/// 8-bit sRGB.
pub type Rgb = [u8; 3];

/// Points without a group or a value.
pub const GREY: Rgb = [0xc4, 0xc8, 0xce];

/// The one colour of a map that is not coloured by anything.
pub const ACCENT: Rgb = [0x3b, 0x6f, 0xb6];

/// Lightness and the two colour axes of OKLab.
pub fn oklab(rgb: Rgb) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.040_45 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    });
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
    ]
}

/// The sRGB colour of this lightness (0 to 1), chroma and hue (degrees); chroma falls until the colour can be shown.
pub fn oklch(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let mut chroma = chroma;
    loop {
        let linear = linear_of_oklch(lightness, chroma, hue);
        if chroma <= 0.0 || linear.iter().all(|v| (-0.0005..=1.0005).contains(v)) {
            return linear.map(|v| {
                let v = v.clamp(0.0, 1.0);
                let v = if v <= 0.003_130_8 {
                    v * 12.92
                } else {
                    1.055 * v.powf(1.0 / 2.4) - 0.055
                };
                (v * 255.0).round() as u8
            });
        }
        chroma -= 0.004;
    }
}

fn linear_of_oklch(lightness: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma.max(0.0) * cos, chroma.max(0.0) * sin);
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ]
}

/// How different two colours look: the distance in OKLab.
pub fn difference(a: Rgb, b: Rgb) -> f64 {
    oklab(a)
        .iter()
        .zip(oklab(b))
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// A darker shade of a colour, for text in it on a light ground.
pub fn ink(rgb: Rgb) -> Rgb {
    let [l, a, b] = oklab(rgb);
    oklch(l.min(0.42), a.hypot(b).min(0.11), b.atan2(a).to_degrees())
}

/// A continuous scale from 0 to 1: dark blue over teal and green to yellow, lightness rising evenly.
pub fn scale(t: f64) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    oklch(
        0.34 + 0.52 * t,
        0.13 + 0.02 * (t * std::f64::consts::PI).sin(),
        285.0 - 190.0 * t,
    )
}

/// `#rrggbb`.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oklab_of_white_red_and_back() {
        let white = oklab([255, 255, 255]);
        assert!((white[0] - 1.0).abs() < 1e-3 && white[1].abs() < 1e-3 && white[2].abs() < 1e-3);
        // Ottosson's own figures for sRGB red.
        let red = oklab([255, 0, 0]);
        assert!(
            (red[0] - 0.628).abs() < 1e-3
                && (red[1] - 0.225).abs() < 1e-3
                && (red[2] - 0.126).abs() < 1e-3
        );
        let (chroma, hue) = (red[1].hypot(red[2]), red[2].atan2(red[1]).to_degrees());
        assert!(difference(oklch(red[0], chroma, hue), [255, 0, 0]) < 0.01);
    }

    #[test]
    fn the_scale_gets_lighter_all_the_way() {
        let light: Vec<f64> = (0..=20)
            .map(|i| oklab(scale(f64::from(i) / 20.0))[0])
            .collect();
        assert!(light.windows(2).all(|w| w[1] > w[0]), "{light:?}");
    }
}
