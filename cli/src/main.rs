//! The `messier` binary.
#![allow(dead_code)]
mod failure;
mod output;
mod plot;
mod render;
fn main() {}

#[cfg(test)]
mod look {
    #[test]
    fn look() {
        let mut m = crate::plot::sample::islands(20, 95);
        let rgba: Vec<u8> = (0..64*64).flat_map(|i| { let (x,y)=(i%64,i/64); let d=((x as f32-32.).powi(2)+(y as f32-32.).powi(2)).sqrt(); if d<30. {[255,200,60,255]} else {[0,0,0,0]} }).collect();
        m.pictures = (0..6).map(|g| crate::plot::Picture{group:g*2,width:64,height:64,rgba:rgba.clone()}).collect();
        std::fs::write("/tmp/cli-map.png", m.png(1.0).unwrap()).unwrap();
        std::fs::write("/tmp/cli-map.svg", m.svg()).unwrap();
    }
}
