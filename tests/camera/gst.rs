//! gst-rtsp-server as a camera: a server in a thread of its own, on a port of its own.

use std::{sync::mpsc, thread};

use gstreamer as gst;
use gstreamer_rtsp_server::{self as server, glib, gst_rtsp, prelude::*};

/// Who may look.
pub(crate) enum Access {
    Anybody,
    Basic(&'static str, &'static str),
    Digest(&'static str, &'static str),
    /// Anybody, over UDP alone.
    Udp,
}

/// A running server. Dropping it closes its port and hangs up on its clients.
pub(crate) struct Gst {
    pub(crate) port: u16,
    main_loop: glib::MainLoop,
    thread: Option<thread::JoinHandle<()>>,
}

impl Gst {
    /// Serves `launch` at `/cam`, on `port`, or on one that is free.
    pub(crate) fn start(port: Option<u16>, launch: &str, access: Access) -> Self {
        let launch = launch.to_owned();
        gst::init().expect("GStreamer is installed");
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("gst-rtsp".to_owned())
            .spawn(move || {
                let context = glib::MainContext::new();
                let main_loop = glib::MainLoop::new(Some(&context), false);
                context
                    .with_thread_default(|| {
                        let server = serve(port, &launch, &access);
                        let source = server.attach(Some(&context)).expect("the port is free");
                        let bound = u16::try_from(server.bound_port()).expect("bound");
                        ready.send((bound, main_loop.clone())).expect("the test waits");
                        main_loop.run();
                        // `SourceId::remove` knows the default context only.
                        context.find_source_by_id(&source).expect("attached above").destroy();
                        server.client_filter(Some(&mut |_, _| server::RTSPFilterResult::Remove));
                    })
                    .expect("this thread has no other context");
            })
            .expect("threads start");
        let (port, main_loop) = started.recv().expect("the server starts");
        Self { port, main_loop, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/cam", self.port)
    }
}

impl Drop for Gst {
    fn drop(&mut self) {
        self.main_loop.quit();
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            if !thread::panicking() {
                joined.expect("the server ends without a panic");
            }
        }
    }
}

fn serve(port: Option<u16>, launch: &str, access: &Access) -> server::RTSPServer {
    let server = server::RTSPServer::new();
    server.set_address("127.0.0.1");
    server.set_service(&port.unwrap_or(0).to_string());
    let factory = server::RTSPMediaFactory::new();
    factory.set_launch(launch);
    factory.set_shared(true);
    if let Access::Udp = access {
        factory.set_protocols(gst_rtsp::RTSPLowerTrans::UDP);
    }
    if let Access::Basic(..) | Access::Digest(..) = access {
        let role = gst::Structure::builder("viewer")
            .field("media.factory.access", true)
            .field("media.factory.construct", true)
            .build();
        factory.add_role_from_structure(&role);
        let token = server::RTSPToken::builder().field("media.factory.role", "viewer").build();
        let auth = server::RTSPAuth::new();
        match access {
            Access::Basic(user, password) => {
                auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Basic);
                auth.add_basic(&server::RTSPAuth::make_basic(user, password), &token);
            }
            Access::Digest(user, password) => {
                auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
                auth.add_digest(user, password, &token);
            }
            Access::Anybody | Access::Udp => {}
        }
        server.set_auth(Some(&auth));
    }
    server.mount_points().expect("a new server has them").add_factory("/cam", factory);
    server
}

/// Whether this machine can play such a camera at all.
pub(crate) fn has(element: &str) -> bool {
    gst::init().expect("GStreamer is installed");
    gst::ElementFactory::find(element).is_some()
}
