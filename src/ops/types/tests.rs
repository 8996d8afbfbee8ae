//! What is accepted, what is refused, and what it is known for.

use super::*;

fn text(s: &str) -> Value {
    Value::Str(s.into())
}

#[test]
fn durations_want_a_unit() {
    assert_eq!(Span::read(&text("200ms")), Ok(Span(Duration::from_millis(200))));
    assert_eq!(Span::read(&text("1.5s")), Ok(Span(Duration::from_millis(1500))));
    for bad in [
        text("200"),
        text(""),
        text("s"),
        text("-1s"),
        text("1e3s"),
        Value::Int(3),
        text("9999999999999999h"),
    ] {
        assert!(Span::read(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn addresses_want_a_prefix_length() {
    assert_eq!(Cidr::read(&text("10.0.0.100/24")).unwrap().spell(), "10.0.0.100/24");
    assert!(Cidr::read(&text("10.0.0.100")).is_err());
    let meant = |address| Cidr::mistaken(&text(address)).and_then(|mistaken| mistaken.meant);
    assert_eq!(meant("10.0.0.100").as_deref(), Some("10.0.0.100/24"));
    assert_eq!(meant("fd00::1").as_deref(), Some("fd00::1/64"));
    assert_eq!(meant("10.0.0.300"), None);
    assert!(Cidr::read(&text("10.0.0.300/24")).is_err());
}

#[test]
fn a_route_has_no_host_bits() {
    assert_eq!("default".parse(), Ok(Prefix::Default));
    assert_eq!("10.9.0.1".parse::<Prefix>().unwrap().spell(), "10.9.0.1");
    let why = "10.0.0.5/24".parse::<Prefix>().unwrap_err();
    assert!(why.contains("10.0.0.0/24"), "{why}");
}

#[test]
fn device_names_are_short_and_plain() {
    for bad in [
        "",
        "a b",
        "../x",
        "all",
        "default",
        "x%d",
        "0123456789abcdef",
        "\u{202e}x",
    ] {
        assert!(bad.parse::<IfName>().is_err(), "{bad:?}");
    }
    assert!("veth0-br".parse::<IfName>().is_ok());
}

#[test]
fn link_layer_addresses() {
    assert_eq!("02:0:00:00:00:A9".parse::<Mac>().unwrap().spell(), "02:00:00:00:00:a9");
    assert!("02:00:00:00:00".parse::<Mac>().is_err());
    assert!("02:00:00:00:00:009".parse::<Mac>().is_err());
}
