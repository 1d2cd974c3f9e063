//! One connection's SSH side: who may log in, and which channels and requests are served (C-11 to C-15).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use russh::keys::{Algorithm, HashAlg, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Handle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::wire::Line;
use super::{Shared, channel, operations, session};
use crate::fault::{Point, Question, Verdict};
use crate::journal::Fact;
use crate::site::Site;

/// The SSH side of one connection.
pub struct Connection {
    shared: Arc<Shared>,
    session: u64,
    address: IpAddr,
    line: Line,
    site: Option<Arc<Site>>,
    /// Channels opened and not yet given to a subsystem.
    channels: HashMap<ChannelId, (Channel<Msg>, OwnedSemaphorePermit)>,
    /// One permit for each channel that may be open. They are not counted by hand: of a channel that was closed
    /// from here first, russh never tells that the client has closed it too.
    slots: Arc<Semaphore>,
    /// Every SFTP session holds a copy until all its files are closed.
    busy: mpsc::Sender<()>,
}

impl Connection {
    /// A connection from `address` before authentication.
    ///
    /// `busy` is dropped when the connection and all its SFTP sessions are over.
    pub fn new(
        shared: Arc<Shared>,
        session: u64,
        address: IpAddr,
        line: Line,
        busy: mpsc::Sender<()>,
    ) -> Connection {
        let slots = Arc::new(Semaphore::new(shared.settings.limits.channels_per_connection as usize));
        Connection { shared, session, address, line, site: None, channels: HashMap::new(), slots, busy }
    }

    fn record(&self, fact: Fact) {
        self.shared.journal.record(self.site.as_ref().map(|site| site.code.as_str()), fact);
    }

    fn refuse_login(&self, user: &str, method: &str, reason: String, key: Option<&PublicKey>) -> Auth {
        let site = self.shared.sites.get(user);
        self.shared.journal.record(
            site.as_ref().map(|site| site.code.as_str()),
            Fact::AuthenticationFailed {
                session: self.session,
                user: user.to_owned(),
                address: self.address.to_string(),
                method: method.to_owned(),
                reason,
                fingerprint: key.map(fingerprint),
            },
        );
        Auth::reject()
    }

    /// The same checks for a key that is only offered and for one that has signed.
    fn check(&self, user: &str, key: &PublicKey, algorithm: &Algorithm) -> Result<Arc<Site>, String> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Err(format!("the key is {algorithm}; only RSA keys are accepted"));
        }
        if matches!(algorithm, Algorithm::Rsa { hash: None }) && !self.shared.settings.allow_ssh_rsa {
            return Err("signature ssh-rsa (SHA-1) is refused: update the client to one that signs with rsa-sha2-256 or rsa-sha2-512".to_owned());
        }
        let site =
            self.shared.sites.authenticate(user, self.address, key).map_err(|refusal| refusal.to_string())?;
        let question = Question {
            point: Point::Login,
            site: Some(&site.code),
            session: self.session,
            operation: "",
            path: "",
            range: None,
        };
        if self.shared.faults.ask(&question).contains(&Verdict::RefuseLogin) {
            return Err("a fault is armed: refuse-login".to_owned());
        }
        let limit = self.shared.settings.limits.sessions_per_site;
        if self.shared.sessions_of(&site.code) >= limit {
            return Err(format!("{limit} sessions of this site are open already: close one first"));
        }
        Ok(site)
    }

    /// Everything but the `sftp` subsystem is refused, on the channel only: the connection goes on.
    fn refuse_request(
        &self,
        channel: ChannelId,
        request: &str,
        detail: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.record(Fact::ChannelRefused {
            session: self.session,
            request: request.to_owned(),
            detail: detail.escape_debug().to_string(),
        });
        session.channel_failure(channel)
    }

    async fn refuse_channel(&self, kind: &str, detail: String, reply: ChannelOpenHandle) {
        self.record(Fact::ChannelRefused { session: self.session, request: kind.to_owned(), detail });
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    }

    fn start_sftp(
        &self,
        channel: Channel<Msg>,
        slot: OwnedSemaphorePermit,
        handle: Handle,
        site: &Arc<Site>,
    ) {
        let limits = &self.shared.settings.limits;
        let replies = Arc::new(channel::Replies::default());
        let around = session::Surroundings {
            faults: self.shared.faults.clone(),
            effects: self.shared.effects.clone(),
            line: self.line.clone(),
            replies,
        };
        let context = operations::Context {
            session: self.session,
            site: site.code.clone(),
            area: site.area.clone(),
            answers: site.attributes.clone().unwrap_or_else(|| self.shared.settings.attributes.clone()),
            settings: self.shared.settings.clone(),
            journal: self.shared.journal.clone(),
            clock: self.shared.clock.clone(),
        };
        let session = session::Session::new(context, around);
        let serving = channel::serve(channel, slot, handle, limits.packet_bytes, session);
        let (journal, code, number) = (self.shared.journal.clone(), site.code.clone(), self.session);
        let busy = self.busy.clone();
        tokio::spawn(async move {
            if let Some(fault) = serving.await {
                journal.record(
                    Some(&code),
                    Fact::OperationRefused {
                        session: number,
                        operation: "decode".to_owned(),
                        path: String::new(),
                        status: 5,
                        reason: fault.to_string(),
                    },
                );
            }
            drop(busy);
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(site) = &self.site {
            self.shared.left(&site.code);
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        // Every client asks `none` first to learn the methods: the refusal is the answer, not an event.
        Ok(Auth::reject())
    }

    async fn auth_password(&mut self, user: &str, _password: &str) -> Result<Auth, russh::Error> {
        Ok(self.refuse_login(user, "password", "only key authentication is accepted".to_owned(), None))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        _response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.refuse_login(
            user,
            "keyboard-interactive",
            "only key authentication is accepted".to_owned(),
            None,
        ))
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &russh::keys::Certificate,
    ) -> Result<Auth, russh::Error> {
        let key = PublicKey::new(certificate.public_key().clone(), "");
        Ok(self.refuse_login(
            user,
            "publickey",
            "certificates are not accepted, only plain RSA keys".to_owned(),
            Some(&key),
        ))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(match self.check(user, offer.public_key, offer.algorithm) {
            Ok(_) => Auth::Accept,
            Err(reason) => self.refuse_login(user, "publickey", reason, Some(offer.public_key)),
        })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        match self.check(user, key.public_key, key.algorithm) {
            Err(reason) => Ok(self.refuse_login(user, "publickey", reason, Some(key.public_key))),
            Ok(site) => {
                self.shared.entered(&site.code);
                self.record_login(&site, key);
                self.line.belongs_to(&site.code);
                self.site = Some(site);
                Ok(Auth::Accept)
            }
        }
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), russh::Error> {
        self.shared.authenticated(self.session);
        let banner = String::from_utf8_lossy(session.remote_sshid()).trim().escape_debug().to_string();
        self.record(Fact::ClientIdentified { session: self.session, banner });
        if let Some(site) = &self.site {
            self.shared.sites.mark_tested(&site.code);
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else {
            let limit = self.shared.settings.limits.channels_per_connection;
            self.refuse_channel("session", format!("{limit} channels are open already"), reply).await;
            return Ok(());
        };
        self.channels.insert(channel.id(), (channel, slot));
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        address: &str,
        port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.refuse_channel("x11", format!("{address}:{port}"), reply).await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.refuse_channel("direct-tcpip", format!("{host_to_connect}:{port_to_connect}"), reply).await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(site) = self.site.clone().filter(|_| name == "sftp") else {
            return self.refuse_request(id, "subsystem", name, session);
        };
        let Some((channel, slot)) = self.channels.remove(&id) else {
            return self.refuse_request(id, "subsystem", "a subsystem runs on this channel already", session);
        };
        session.channel_success(id)?;
        self.start_sftp(channel, slot, session.handle(), &site);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.refuse_request(id, "exec", &String::from_utf8_lossy(data), session)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.refuse_request(id, "shell", "", session)
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.refuse_request(id, "pty", term, session)
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _single: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.refuse_request(id, "x11", "", session)
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        // OpenSSH sends LANG with every session; refusing is normal and no event.
        session.channel_failure(id)
    }

    async fn agent_request(&mut self, id: ChannelId, session: &mut Session) -> Result<bool, russh::Error> {
        self.refuse_request(id, "agent", "", session)?;
        Ok(false)
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        _session: &mut Session,
    ) -> Result<bool, russh::Error> {
        self.record(Fact::ChannelRefused {
            session: self.session,
            request: "tcpip-forward".to_owned(),
            detail: format!("{address}:{port}"),
        });
        Ok(false)
    }
}

impl Connection {
    fn record_login(&self, site: &Site, key: VerifiedPublicKey<'_>) {
        self.shared.journal.record(
            Some(&site.code),
            Fact::AuthenticationSucceeded {
                session: self.session,
                user: site.code.clone(),
                address: self.address.to_string(),
                fingerprint: fingerprint(key.public_key),
                algorithm: key.algorithm.to_string(),
            },
        );
    }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
