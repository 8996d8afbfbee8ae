//! What a name server knows, and what it answers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use simple_dns::rdata::{A, AAAA, OPT, PTR, RData};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, SimpleDnsError,
    header_buffer,
};

/// How long an answer may be kept, in seconds. A lab changes fast.
const TTL: u32 = 1;
/// Bytes of an answer over UDP: without EDNS, and the most with it.
const PLAIN: u16 = 512;
const LARGEST: u16 = 1232;
/// The most records that a question brings along.
const BROUGHT: u16 = 16;

/// Names and their addresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// By name, in lower case, without a last dot.
    addresses: BTreeMap<String, Vec<IpAddr>>,
    /// By the name under which an address's own name is asked for: `8.8.8.8.in-addr.arpa`.
    pointers: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Adds a name with its addresses; the error says what is wrong with the name.
    pub fn add(&mut self, name: &str, addresses: Vec<IpAddr>) -> Result<(), String> {
        let plain = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let fits = |label: &str| {
            (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        // 255 bytes on the wire: a length before each label, and the root's at the end.
        if plain.len() > 253 || !plain.split('.').all(fits) {
            return Err(format!("{name:?} is no name such as \"example.com\""));
        }
        for address in &addresses {
            let pointers = self.pointers.entry(reverse(*address)).or_default();
            pointers.push(plain.clone());
        }
        self.addresses.insert(plain, addresses);
        Ok(())
    }

    /// The answer to a message: none where it is no question. Over UDP it is cut short where it is too long.
    pub fn answer(&self, message: &[u8], is_udp: bool) -> Option<Vec<u8>> {
        let query = match read(message)? {
            Ok(query) => query,
            Err(code) => return refusal(message, code),
        };
        let mut reply = Packet::new_reply(query.id());
        reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
        if query.has_flags(PacketFlag::RECURSION_DESIRED) {
            reply.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        let mut room = PLAIN;
        let mut is_foreign_version = false;
        if let Some(opt) = query.opt() {
            room = opt.udp_packet_size.clamp(PLAIN, LARGEST);
            is_foreign_version = opt.version != 0;
            *reply.opt_mut() = Some(OPT {
                opt_codes: Vec::new(),
                udp_packet_size: LARGEST,
                version: 0,
            });
        }
        let question = query.questions.first()?;
        reply.questions.push(question.clone());
        let found = if is_foreign_version {
            Err(RCODE::BADVERS)
        } else {
            self.find(question)
        };
        match found {
            Ok(records) => reply.answers = records,
            Err(code) => *reply.rcode_mut() = code,
        }
        let bytes = reply.build_bytes_vec_compressed().ok()?;
        if !is_udp || bytes.len() <= usize::from(room) {
            return Some(bytes);
        }
        reply.answers.clear();
        reply.set_flags(PacketFlag::TRUNCATION);
        reply.build_bytes_vec_compressed().ok()
    }

    /// The records that answer a question: none where the name has none of that type.
    fn find<'a>(&'a self, question: &Question<'a>) -> Result<Vec<ResourceRecord<'a>>, RCODE> {
        if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
            return Err(RCODE::Refused);
        }
        if matches!(question.qtype, QTYPE::AXFR | QTYPE::IXFR) {
            return Err(RCODE::Refused);
        }
        let name = question.qname.to_string().to_ascii_lowercase();
        let addresses = self.addresses.get(&name).into_iter().flatten();
        let pointers = self.pointers.get(&name).into_iter().flatten();
        let all = addresses
            .map(|address| match address {
                IpAddr::V4(address) => RData::A(A::from(*address)),
                IpAddr::V6(address) => RData::AAAA(AAAA::from(*address)),
            })
            .chain(pointers.map(|name| RData::PTR(PTR(Name::new_unchecked(name)))));
        let records = all
            .map(|data| ResourceRecord::new(question.qname.clone(), CLASS::IN, TTL, data))
            .filter(|record| record.match_qtype(question.qtype))
            .collect();
        if self.knows(&name) {
            Ok(records)
        } else {
            Err(RCODE::NameError)
        }
    }

    /// Whether there is the name, or one beneath it.
    fn knows(&self, name: &str) -> bool {
        let beneath = format!(".{name}");
        let is_known = |known: &String| name.is_empty() || known == name || known.ends_with(&beneath);
        self.addresses.keys().chain(self.pointers.keys()).any(is_known)
    }
}

/// Reads a message: `None` where it is no question at all, a code where it is one that cannot be answered.
fn read(message: &[u8]) -> Option<Result<Packet<'_>, RCODE>> {
    if header_buffer::has_flags(message, PacketFlag::RESPONSE).ok()? {
        return None;
    }
    if header_buffer::opcode(message).ok()? != OPCODE::StandardQuery {
        return Some(Err(RCODE::NotImplemented));
    }
    let brought = [
        header_buffer::answers(message).ok()?,
        header_buffer::name_servers(message).ok()?,
        header_buffer::additional_records(message).ok()?,
    ];
    // Checked here, since the parser makes room for as many as the header claims.
    if header_buffer::questions(message).ok()? != 1 || brought.iter().any(|count| *count > BROUGHT) {
        return Some(Err(RCODE::FormatError));
    }
    match Packet::parse(message) {
        Ok(query) => Some(Ok(query)),
        // A type that the parser does not know.
        Err(SimpleDnsError::InvalidQType(_)) => Some(Err(RCODE::NotImplemented)),
        Err(_) => None,
    }
}

/// An answer that is a code and nothing else.
fn refusal(message: &[u8], code: RCODE) -> Option<Vec<u8>> {
    let mut reply = Packet::new_reply(header_buffer::id(message).ok()?);
    *reply.opcode_mut() = header_buffer::opcode(message).ok()?;
    *reply.rcode_mut() = code;
    reply.build_bytes_vec().ok()
}

/// The name under which the name of an address is asked for.
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address
                .octets()
                .into_iter()
                .rev()
                .flat_map(|byte| [byte & 15, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
