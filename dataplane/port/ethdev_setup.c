/* SPDX-License-Identifier: BSD-3-Clause */
/* From a probed device to one that runs: queues, offloads, MTU. */
#include "dataplane/port/ethdev.h"

#include <errno.h>
#include <string.h>

#define TX_CSUM (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define TX_TSO                                                                                     \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
/* mbufs of the largest GSO frame */
#define TSO_SEGS (FRAME_LEN_MAX / (ETHDEV_DATA_ROOM - RTE_PKTMBUF_HEADROOM) + 1)

/*
 * What the device can finish for us. TSO is announced for IPv4 alone: devices announce one capability
 * for both, and software ones among them hold it for IPv4 only. net_tap segments in software, from
 * a pool too small for 64 KB.
 */
static void choose_offloads(
	struct ethdev_port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t capa = info->tx_offload_capa;
	uint16_t segs = info->tx_desc_lim.nb_seg_max;

	if (capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) {
		p->multi_seg = true;
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	if ((capa & TX_CSUM) != TX_CSUM)
		return;
	p->tx_offload = true;
	p->port.caps |= PORT_CAP_CSUM;
	conf->txmode.offloads |= TX_CSUM;
	if ((capa & TX_TSO) == TX_TSO && strcmp(info->driver_name, "net_tap") != 0 &&
		(segs == 0 || segs >= TSO_SEGS)) {
		p->port.caps |= PORT_CAP_TSO4;
		conf->txmode.offloads |= TX_TSO;
	}
}

static int check_frame_room(
	struct ethdev_port *p, const struct rte_eth_dev_info *info, uint16_t mtu, struct error *err)
{
	uint32_t room = ETHDEV_DATA_ROOM - RTE_PKTMBUF_HEADROOM;
	uint32_t most = room - ETHDEV_L2_OVERHEAD - VLAN_TAG_LEN;

	if (ethdev_is(p, "af_xdp"))
		most = ethdev_xsk_mtu_max();
	else if (p->multi_seg && (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER))
		most = UINT16_MAX;
	if (info->max_mtu != 0 && info->max_mtu < most)
		most = info->max_mtu;
	if (mtu > most)
		return error_set(err, LEAT_UNSUPPORTED, "%s carries an MTU of %u at most, not %u",
			p->devargs, most, mtu);
	p->frame_max = mtu + ETHDEV_L2_OVERHEAD;
	return 0;
}

/*
 * As many transmit queues as workers, so that none waits for another. Some devices want as many as
 * receive queues, and say so only by refusing.
 */
static int configure(struct ethdev_port *p, const struct rte_eth_dev_info *info,
	const struct rte_eth_conf *conf, unsigned workers, struct error *err)
{
	uint16_t most = RTE_MIN(info->max_tx_queues, (uint16_t)PORT_QUEUES_MAX);
	int rc;

	p->n_txq = (uint16_t)RTE_MIN(RTE_MAX(workers, 1U), most);
	rc = rte_eth_dev_configure(p->dev_id, p->port.n_rxq, p->n_txq, conf);
	if (rc != 0 && p->n_txq != p->port.n_rxq && p->port.n_rxq <= most) {
		p->n_txq = p->port.n_rxq;
		rc = rte_eth_dev_configure(p->dev_id, p->port.n_rxq, p->n_txq, conf);
	}
	if (rc != 0)
		return error_device(err, -rc, "%s does not take %u receive and %u transmit queues",
			p->devargs, p->port.n_rxq, p->n_txq);
	p->tx_locked = workers > p->n_txq;
	return 0;
}

static int take_pool(struct ethdev_port *p, unsigned workers, uint16_t mtu, uint16_t n_rx,
	uint16_t n_tx, struct error *err)
{
	if (ethdev_is(p, "af_xdp")) {
		p->pool = ethdev_pool_xsk(p, mtu, err);
		return p->pool != NULL ? 0 : -1;
	}
	p->lends = true;
	p->reserved = p->port.n_rxq * n_rx + p->n_txq * n_tx +
		      workers * (ETHDEV_POOL_CACHE * 3 / 2 + 2 * ETHDEV_BURST);
	p->pool = ethdev_pool(p->port.numa_node, p->reserved, err);
	if (p->pool == NULL)
		p->reserved = 0;
	return p->pool != NULL ? 0 : -1;
}

static int rx_queue_failed(struct ethdev_port *p, uint16_t queue, int rc, struct error *err)
{
	p->busy = ethdev_is(p, "af_xdp");
	return error_device(err, -rc, "%s: cannot set up receive queue %u", p->devargs, queue);
}

static int set_up_rx_queue(struct ethdev_port *p, uint16_t queue, uint16_t ring)
{
	unsigned noted = p->fds.n;
	int rc = rte_eth_rx_queue_setup(
		p->dev_id, queue, ring, (unsigned)p->port.numa_node, NULL, p->pool);

	if (ethdev_is(p, "af_xdp")) {
		ethdev_fds_note(&p->fds);
		p->xsk_fd[queue] = rc == 0 ? ethdev_fds_socket(&p->fds, noted) : -1;
	}
	return rc;
}

static int set_up_queues(struct ethdev_port *p, const struct port_params *common, struct error *err)
{
	uint16_t n_rx = ETHDEV_RING;
	uint16_t n_tx = ETHDEV_RING;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->dev_id, &n_rx, &n_tx);

	if (rc != 0)
		return error_device(err, -rc, "%s: ring size", p->devargs);
	if (take_pool(p, common->workers, common->mtu, n_rx, n_tx, err) != 0)
		return -1;
	for (uint16_t q = 0; q < p->port.n_rxq; q++) {
		rc = set_up_rx_queue(p, q, n_rx);
		if (rc != 0)
			return rx_queue_failed(p, q, rc, err);
	}
	for (uint16_t q = 0; q < p->n_txq; q++) {
		rc = rte_eth_tx_queue_setup(p->dev_id, q, n_tx, (unsigned)p->port.numa_node, NULL);
		if (rc != 0)
			return error_device(
				err, -rc, "%s: cannot set up transmit queue %u", p->devargs, q);
	}
	return 0;
}

static int start(struct ethdev_port *p, uint16_t mtu, struct error *err)
{
	struct rte_ether_addr mac;
	int rc = rte_eth_dev_set_mtu(p->dev_id, mtu);

	if (rc != 0 && rc != -ENOTSUP)
		return error_device(err, -rc, "%s refuses an MTU of %u", p->devargs, mtu);
	rc = rte_eth_dev_start(p->dev_id);
	if (rc != 0)
		return error_device(err, -rc, "%s does not start", p->devargs);
	rc = rte_eth_promiscuous_enable(p->dev_id);
	if (rc != 0 && rc != -ENOTSUP)
		return error_device(err, -rc, "%s cannot receive for all addresses", p->devargs);
	if (mac_is_zero(&p->port.mac) && rte_eth_macaddr_get(p->dev_id, &mac) == 0)
		memcpy(p->port.mac.b, mac.addr_bytes, MAC_LEN);
	return 0;
}

int ethdev_setup(struct ethdev_port *p, const struct port_params *common, struct error *err)
{
	struct rte_eth_conf conf = {.rxmode.mtu = common->mtu};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->dev_id, &info);

	if (rc != 0)
		return error_device(err, -rc, "%s", p->devargs);
	p->port.numa_node = rte_eth_dev_socket_id(p->dev_id);
	p->port.n_rxq = common->queues;
	if (common->queues > info.max_rx_queues)
		return error_set(err, LEAT_UNSUPPORTED, "%s has %u queues, not %u", p->devargs,
			info.max_rx_queues, common->queues);
	choose_offloads(p, &info, &conf);
	if (check_frame_room(p, &info, common->mtu, err) != 0)
		return -1;
	if (common->mtu + ETHDEV_L2_OVERHEAD + VLAN_TAG_LEN >
			ETHDEV_DATA_ROOM - RTE_PKTMBUF_HEADROOM &&
		!ethdev_is(p, "af_xdp"))
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (configure(p, &info, &conf, common->workers, err) != 0 ||
		set_up_queues(p, common, err) != 0)
		return -1;
	return start(p, common->mtu, err);
}
